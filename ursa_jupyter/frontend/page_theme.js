// Light or dark, as the visitor chooses; by default as the system is.

import { h, svg } from "./dom.js";
import { kept } from "./tab_name.js";

const THEME_KEY = "ursa-theme";
const SCHEMES = { system: "light dark", light: "light", dark: "dark" };
const THEME_NAMES = Object.keys(SCHEMES);
// What is drawn as a line, and what is filled.
const PICTURES = {
  system: ["M8 2a6 6 0 1 0 0 12A6 6 0 1 0 8 2Z", "M8 2a6 6 0 1 0 0 12Z"],
  light: [
    "M8 1V2.5M8 13.5V15M1 8H2.5M13.5 8H15M3 3 4.1 4.1M11.9 11.9 13 13M3 13 4.1 11.9M11.9 4.1 13 3",
    "M8 5a3 3 0 1 0 0 6A3 3 0 1 0 8 5Z",
  ],
  dark: ["", "M13.5 9.6A5.7 5.7 0 0 1 6.4 2.5 5.7 5.7 0 1 0 13.5 9.6Z"],
};

/** Show the page in the theme that was chosen last; return the button that chooses another. */
export function followChoice({ signal }) {
  const [line, filled] = [svg("path"), svg("path", { class: "ursa-solid" })];
  const picture = svg("svg", { viewBox: "0 0 16 16", "aria-hidden": "true" }, line, filled);
  const button = h("button", { type: "button", class: "ursa-icon" }, picture);
  let theme = themeOf(kept(() => localStorage.getItem(THEME_KEY)));

  function show() {
    document.documentElement.style.colorScheme = SCHEMES[theme];
    [line, filled].forEach((path, at) => path.setAttribute("d", PICTURES[theme][at]));
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
