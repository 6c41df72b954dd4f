// Elements. Text only ever becomes text: nothing here takes HTML.

/**
 * Return a new element.
 *
 * `props` are attributes; `class`, `dataset` and `style` as objects or text; functions named `on…`
 * are listeners; true and false set or leave out an attribute. Children are nodes or texts.
 */
export function h(tag, props = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(props)) setProp(element, name, value);
  element.append(...children.flat().filter((child) => child !== null && child !== undefined));
  return element;
}

function setProp(element, name, value) {
  if (value === null || value === undefined || value === false) return;
  if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
  else if (name === "dataset") Object.assign(element.dataset, value);
  else if (name === "style" && typeof value === "object") Object.assign(element.style, value);
  else element.setAttribute(name, value === true ? "" : String(value));
}

const SVG = "http://www.w3.org/2000/svg";

/** Return a new SVG element with attributes and children. */
export function svg(tag, attributes = {}, ...children) {
  const element = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, String(value));
  element.append(...children);
  return element;
}

/** Return the parts of a name, so that a line may break after a `_`, `.` or `/` of it. */
export function breakable(text) {
  return text.split(/(?<=[_./])/).flatMap((part, index) => (index ? [h("wbr"), part] : [part]));
}

/** Return `run` delayed until nothing has called it for `ms`; `run.cancel()` forgets a call. */
export function debounced(run, ms) {
  let timer = 0;
  const later = (...values) => {
    clearTimeout(timer);
    timer = setTimeout(() => run(...values), ms);
  };
  later.cancel = () => clearTimeout(timer);
  return later;
}
