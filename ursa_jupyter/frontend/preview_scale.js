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
  const [factor, shown] = inPrefix(value, unit);
  return [numberText(value * factor, digits), shown].filter(Boolean).join(" ");
}

/** Return two values in one unit, as exactly as the greater needs it: −5 … 70 µV. */
export function bothText(low, high, unit, digits = 3) {
  const most = Math.abs(low) > Math.abs(high) ? low : high;
  const [factor, shown] = inPrefix(most, unit);
  const power = most === 0 ? 0 : Math.floor(Math.log10(Math.abs(most * factor)));
  const text = (value) => {
    const own = value === 0 ? 0 : Math.floor(Math.log10(Math.abs(value * factor)));
    const left = digits + own - power;
    return left < 1 ? "0" : numberText(value * factor, Math.min(digits, left));
  };
  const both = [...new Set([text(low), text(high)])].join(" … ");
  return [both, shown].filter(Boolean).join(" ");
}

/** Return [factor, unit] of the prefix that reads best for a value. */
function inPrefix(value, unit) {
  const [, own, base] = PREFIXED.exec(unit ?? "") ?? [];
  if (base === undefined) return [1, unit];
  if (value === 0) return [1, `${own.replace(/[uμ]/, "µ")}${base}`];
  const power = Math.log10(Math.abs(value)) + POWERS[own];
  const [shift, prefix] = PREFIXES.findLast(([each]) => power >= each - 1e-9) ?? PREFIXES[0];
  return [10 ** (POWERS[own] - shift), `${prefix}${base}`];
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
