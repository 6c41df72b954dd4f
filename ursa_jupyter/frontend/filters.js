// Filters are JSON objects of QuerySpec's keywords; each change is a new one.

const NO_FILTER = { status: "all" };

/** Return the filter that everything matches. */
export const everything = () => ({ ...NO_FILTER });

/** Return whether a filter leaves nothing out. */
export const isEverything = (filter) => sameJson(filter, NO_FILTER);

/** Return whether two JSON values are equal, whatever the order of keys. */
export function sameJson(one, other) {
  return JSON.stringify(one, inOrder) === JSON.stringify(other, inOrder);
}

function inOrder(_key, value) {
  if (value === null || typeof value !== "object" || Array.isArray(value)) return value;
  return Object.fromEntries(Object.entries(value).sort(([one], [other]) => (one < other ? -1 : 1)));
}

/** Return a filter without one of its fields, such as "duration". */
export function withoutField(filter, field) {
  const { [field]: _dropped, ...rest } = filter;
  return rest;
}

/** Return the filter with a value of a facet chosen, or no longer so. */
export function toggled(filter, field, value, chosen) {
  if (field === "status") return { ...filter, status: chosen ? value : "all" };
  if (field.startsWith("metadata.")) return toggledKey(filter, field.slice(9), value, chosen);
  const rest = withoutField(filter, field);
  const values = changedList(filter[field] ?? [], value, chosen);
  return values.length ? { ...rest, [field]: values } : rest;
}

function toggledKey(filter, key, value, chosen) {
  const { [key]: given, ...others } = filter.metadata ?? {};
  const { "=": equal, in: among = [], ...condition } = conditionOf(given);
  const values = changedList(equal === undefined ? among : [equal], value, chosen);
  if (values.length === 1) condition["="] = values[0];
  else if (values.length) condition.in = values;
  const metadata = Object.keys(condition).length ? { ...others, [key]: condition } : others;
  const rest = withoutField(filter, "metadata");
  return Object.keys(metadata).length ? { ...rest, metadata } : rest;
}

function conditionOf(given) {
  if (given === undefined) return {};
  const isValue = given === null || typeof given !== "object" || Array.isArray(given) || "int" in given;
  return isValue ? { "=": given } : given;
}

function changedList(values, value, chosen) {
  const others = values.filter((each) => !sameJson(each, value));
  return chosen ? [...others, value] : others;
}
