// The page in the browser: the catalog browser over the whole window.

import { mountBrowser } from "./catalog.js";
import { panelTransport } from "./transport.js";

export default {
  render({ model, el }) {
    const dispose = mountBrowser(el, panelTransport(model), { height: "100vh" });
    model.on("lifecycle:remove", dispose);
  },
};
