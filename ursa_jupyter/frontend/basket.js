// What is selected, what it would take to download it, and the downloads under way.

import { h } from "./dom.js";
import { countText } from "./format.js";

/** Mount the bar into `el`; return {update, dispose}, where `update` asks for the numbers again. */
export function mountBasket(el, { call, on }) {
  const line = h("p", { role: "status" });
  el.append(line);
  const update = async () => {
    const { selected } = await call("hello");
    line.textContent = `${countText(selected)} selected`;
  };
  const off = on("selection", ({ selected }) => {
    line.textContent = `${countText(selected)} selected`;
  });
  update().catch((error) => (line.textContent = error.message));
  return { update, dispose: () => (off(), el.replaceChildren()) };
}
