// What is selected and how it is had: one bar in a notebook, another in the page.

import { mountDownloadBar } from "./basket_bar.js";
import { mountGetBar } from "./get_bar.js";

/**
 * Mount the bar into `el` once Python has said which ways there are to the data.
 *
 * Return {update, dispose}, where `update` asks for the numbers again.
 */
export function mountBasket(el, shared) {
  const { state } = shared;
  let bar = null;
  el.classList.add("ursa-basket");

  function begin() {
    if (bar !== null || !state.hello) return;
    // A zip is for a computer that the files are not on: in a notebook they are written here.
    const isPage = state.hello.ways?.includes("zip");
    bar = (isPage ? mountGetBar : mountDownloadBar)(el, shared);
  }
  const off = state.listen(begin);
  begin();
  return {
    update: () => bar?.update(),
    dispose() {
      off();
      bar?.dispose();
      el.replaceChildren();
    },
  };
}
