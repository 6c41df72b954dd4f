// Light or dark, as the visitor chooses; by default as the system is.

import { h, svg } from "./dom.js";
import { kept } from "./tab_name.js";

const THEME_KEY = "ursa-theme";
const SCHEMES = { system: "light dark", light: "light", dark: "dark" };
const THEME_NAMES = Object.keys(SCHEMES);
const PICTURES = {
  system: "M8 2a6 6 0 1 0 0 12A6 6 0 1 0 8 2ZM8 2V14A6 6 0 0 0 8 2Z",
  light: "M8 5a3 3 0 1 0 0 6A3 3 0 1 0 8 5ZM8 1V3M8 13V15M1 8H3M13 8H15M3 3 4.5 4.5M11.5 11.5 13 13M3 13 4.5 11.5M11.5 4.5 13 3",
  dark: "M13 9.5A5.5 5.5 0 0 1 6.5 3 5.5 5.5 0 1 0 13 9.5Z",
};

/** Show the page in the theme that was chosen last; return the button that chooses another. */
export function followChoice({ signal }) {
  const picture = svg("path", {});
  const button = h("button", { type: "button", class: "ursa-icon" }, svg("svg", { viewBox: "0 0 16 16", "aria-hidden": "true" }, picture));
  let theme = themeOf(kept(() => localStorage.getItem(THEME_KEY)));

  function show() {
    const page = document.documentElement;
    page.style.colorScheme = SCHEMES[theme];
    page.style.background = "light-dark(#fff, #16191d)";
    picture.setAttribute("d", PICTURES[theme]);
    const label = `Theme: ${theme}. Change to ${nextOf(theme)}`;
    button.setAttribute("aria-label", label);
    button.title = label;
  }
  const choose = () => {
    theme = nextOf(theme);
    kept(() => localStorage.setItem(THEME_KEY, theme));
    show();
  };
  const heard = ({ key, newValue }) => {
    if (key === THEME_KEY) (theme = themeOf(newValue)), show();
  };
  button.addEventListener("click", choose, { signal });
  window.addEventListener("storage", heard, { signal });
  show();
  return button;
}

const themeOf = (text) => (Object.hasOwn(SCHEMES, text ?? "") ? text : "system");
const nextOf = (theme) => THEME_NAMES[(THEME_NAMES.indexOf(theme) + 1) % THEME_NAMES.length];
