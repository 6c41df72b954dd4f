// Units and scales: how much one division shows, in steps of 1, 2 and 5.

const STEPS_125 = [1, 2, 5, 10];
const PREFIXED = /^(p|n|u|µ|μ|m|k|)(V|S|A|T|Hz|Pa)$/;
const POWERS = { p: -12, n: -9, u: -6, µ: -6, μ: -6, m: -3, "": 0, k: 3, M: 6 };
const PREFIXES = [[-12, "p"], [-9, "n"], [-6, "µ"], [-3, "m"], [0, ""], [3, "k"], [6, "M"]];

/** Return the least that is not less than `value`, of `steps` times a power of ten. */
export function niceAbove(value, steps = STEPS_125) {
  const power = 10 ** Math.floor(Math.log10(value));
  const step = steps.find((each) => each * power >= value * (1 - 1e-9));
  return step * power;
}

/** Return the next nice value above or below one. */
export function niceNext(value, up) {
  return up ? niceAbove(value * 1.01) : niceAbove(value / 2.6);
}

/** Return a value with its unit in the prefix that reads best: 50 µV for 5e-5 V. */
export function unitText(value, unit, digits = 3) {
  const found = PREFIXED.exec(unit ?? "");
  if (found === null) return [numberText(value, digits), unit].filter(Boolean).join(" ");
  const power = Math.log10(Math.abs(value) || 1) + POWERS[found[1]];
  const [shift, prefix] = PREFIXES.findLast(([each]) => power >= each - 1e-9) ?? PREFIXES[0];
  const shown = value === 0 ? [0, found[1].replace(/[uμ]/, "µ")] : [value * 10 ** (POWERS[found[1]] - shift), prefix];
  return `${numberText(shown[0], digits)} ${shown[1]}${found[2]}`;
}

/** Return a number with so many significant digits, without an exponent where it can be read. */
export function numberText(value, digits = 3) {
  if (!Number.isFinite(value)) return "–";
  const size = Math.abs(value);
  if (size !== 0 && (size >= 1e7 || size < 1e-5)) return signed(value.toExponential(digits - 1));
  const decimals = size === 0 ? 0 : Math.max(0, digits - 1 - Math.floor(Math.log10(size)));
  return signed(String(Number(value.toFixed(Math.min(12, decimals)))));
}

const signed = (text) => text.replace("-", "−");

/** Return the unit as a heading names it; a source may not say any. */
export const unitName = (unit) =>
  /^(|n\/a|unknown|not stated.*)$/i.test(unit ?? "") ? "" : unit.replace(/^[uμ](?=[VSATP])/, "µ");
