// Light or dark, as the host is.

/** Keep the element's `color-scheme` like its surroundings; return what ends that. */
export function followTheme(element) {
  const update = () => {
    const dark = luminance(getComputedStyle(element).color) > 0.5;
    if (element.dataset.dark === String(dark)) return;
    element.dataset.dark = String(dark);
    element.style.colorScheme = dark ? "dark" : "light";
  };
  const observer = new MutationObserver(update);
  for (const host of [document.documentElement, document.body]) {
    observer.observe(host, { attributes: true });
  }
  const query = matchMedia("(prefers-color-scheme: dark)");
  query.addEventListener("change", update);
  requestAnimationFrame(update);
  return () => {
    observer.disconnect();
    query.removeEventListener("change", update);
  };
}

/** Return the relative luminance of a CSS colour as `getComputedStyle` writes it, from 0 to 1. */
export function luminance(colour) {
  const [red, green, blue] = (colour.match(/[\d.]+/g) ?? [0, 0, 0]).map(Number);
  return (0.2126 * red + 0.7152 * green + 0.0722 * blue) / 255;
}
