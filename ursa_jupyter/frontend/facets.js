// The facet rail: groups of values with counts; what is chosen stays in sight.

import { h } from "./dom.js";
import { countText } from "./format.js";
import { toggled } from "./filters.js";
import { statusMark, valueText } from "./rows.js";
import { finder } from "./find.js";
import { foldingHead } from "./ranges.js";

const FEW = 8;
const BEFORE = 2;

/** Return {element, load}; `load` asks for the counts again, `between` stands among the groups. */
export function facetRail({ call, state, signal, choose, failed, between }) {
  const element = h("div", { class: "ursa-facetlist" });
  const groups = new Map();

  function groupOf({ field, label }) {
    const group = groups.get(field) ?? facetGroup({ field, label, call, state, signal, choose, failed });
    groups.set(field, group);
    return group;
  }

  function fill(elements) {
    element.append(...elements.slice(0, BEFORE), between, ...elements.slice(BEFORE));
  }

  return {
    element,
    async load() {
      const { facets: described } = state.hello;
      if (groups.size === 0) fill(described.map((facet) => groupOf(facet).element));
      const fields = described.map(({ field }) => field);
      const { filter } = state;
      const { facets } = await call("facets", { filter, fields }, { latest: "facets" });
      if (filter !== state.filter) return; // or what was just ticked would seem not to be
      for (const [field, found] of Object.entries(facets)) groups.get(field)?.show(found);
    },
  };
}

function facetGroup({ field, label, call, state, signal, choose, failed }) {
  const list = h("ul", { class: "ursa-values" });
  const more = h("div", { class: "ursa-more" });
  const body = h("div", { class: "ursa-groupbody" }, list, more);
  const given = { class: "ursa-group", "data-field": field };
  const element = h("section", given, foldingHead(label, body), body);
  const items = new Map();
  const pick = (value, chosen) => choose(toggled(state.filter, field, value, chosen));
  let [last, whole, search] = [{ values: [], more: 0 }, false, null];

  function show(found) {
    last = found;
    const values = whole ? found.values : found.values.filter(({ chosen }, at) => chosen || at < FEW);
    const keys = values.map(({ value }) => JSON.stringify(value));
    for (const [key, item] of items) if (!keys.includes(key)) retire(key, item);
    values.forEach((value, at) => itemOf(keys[at], value).update(value));
    const held = element.contains(element.getRootNode().activeElement);
    for (const { element: each } of keys.map((key) => items.get(key))) {
      if (!held || !each.isConnected) list.append(each);
    }
    showMore(found, values.length);
    element.hidden = found.values.length === 0;
  }

  /** Drop a value, unless the focus is on it: then it shows that nothing has it. */
  function retire(key, item) {
    if (item.element.contains(element.getRootNode().activeElement)) {
      item.update({ count: 0, chosen: false });
      return;
    }
    item.element.remove();
    items.delete(key);
  }

  function itemOf(key, value) {
    const item = items.get(key) ?? facetItem(field, value, pick);
    items.set(key, item);
    return item;
  }

  function showMore(found, shown) {
    const hidden = found.values.length - shown;
    search ??= finder({ field, label, call, state, signal, pick, failed });
    const toggle = h("button", {
      type: "button",
      class: "ursa-plain",
      onclick: () => ((whole = !whole), show(last), more.querySelector("button")?.focus()),
    }, whole ? "fewer" : `${countText(hidden)} more…`);
    const wanted = whole ? found.values.length > FEW : hidden > 0;
    more.replaceChildren(...(wanted ? [toggle] : []), ...(found.more > 0 ? [search.element] : []));
    search.total(found.more);
  }
  return { element, show };
}

function facetItem(field, { value, label }, pick) {
  const box = h("input", { type: "checkbox" });
  const count = h("span", { class: "ursa-count" });
  const text = label ?? valueText(value);
  const plain = () => h("span", { class: "ursa-value", title: text }, text);
  const name = field === "status" ? statusMark(text) : plain();
  const element = h("li", {}, h("label", {}, box, name, count));
  box.addEventListener("change", () => pick(value, box.checked));
  return {
    element,
    update(found) {
      box.checked = found.chosen;
      count.textContent = countText(found.count);
      element.classList.toggle("ursa-none", found.count === 0);
    },
  };
}
