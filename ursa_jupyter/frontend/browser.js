// The catalog browser as a widget of a notebook.

import { mountBrowser } from "./catalog.js";
import { transportOf } from "./transport.js";

export default {
  render({ model, el }) {
    const height = typeof model.get === "function" ? model.get("height") : model.height;
    const { dispose } = mountBrowser(el, transportOf(model), { height });
    // Panel takes no function from `render`; it tells when the view goes.
    if (typeof model.send_msg === "function") model.on("lifecycle:remove", dispose);
    return dispose;
  },
};
