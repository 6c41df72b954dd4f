// What the page says of downloads where a notebook speaks of its kernel.

export const PAGE_WORDS = {
  none: "Nothing yet. Select recordings, then press “Get data…”.",
  late: "No answer yet: is the server busy or the connection lost? The download itself goes on.",
  more: "",
};
