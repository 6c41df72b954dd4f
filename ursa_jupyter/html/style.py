"""The frame of each view: one scoped style that follows the host's light or dark theme."""

from __future__ import annotations

from ursa_jupyter.html.markup import Html, tag

# A host's table rules are as specific as `.host tbody tr:nth-child(odd)`: each rule about a table
# names more. Hosts that draw dark without saying `color-scheme` are known by their own marks.
STYLE = """
.ursa-v { color-scheme: light dark; container-type: inline-size;
  --v-bg: var(--jp-layout-color0, var(--vscode-editor-background, Canvas));
  --v-fg: var(--jp-content-font-color0, var(--vscode-editor-foreground, CanvasText));
  --v-fg2: color-mix(in srgb, var(--v-fg) 76%, var(--v-bg));
  --v-line: color-mix(in srgb, var(--v-fg) 16%, var(--v-bg));
  --v-tint: color-mix(in srgb, var(--v-fg) 7%, var(--v-bg));
  --v-accent: light-dark(#0b5cad, #8ab8f0); --v-warn: light-dark(#8a5300, #f0b860);
  --v-error: light-dark(#b3261e, #f2938c); --v-ok: light-dark(#1c6b30, #7fce92);
  background: var(--v-bg); color: var(--v-fg); max-width: 68rem; padding: 2px 0;
  font: 13px/1.45 var(--jp-ui-font-family, var(--vscode-font-family, system-ui, sans-serif)); }
[data-jp-theme-light="true"] .ursa-v, .vscode-light .ursa-v { color-scheme: light; }
[data-jp-theme-light="false"] .ursa-v, .vscode-dark .ursa-v,
[theme="dark"] .ursa-v, .dark .ursa-v { color-scheme: dark; }
.ursa-v div.ursa-head { margin: 0 0 4px; color: var(--v-fg2); }
.ursa-v div.ursa-head strong { color: var(--v-fg); font-size: 15px; font-weight: 600; }
.ursa-v div.ursa-chips { display: flex; flex-wrap: wrap; gap: 4px; align-items: baseline;
  margin: 0 0 6px; }
.ursa-v span.ursa-chip { display: inline-block; max-width: 20em; overflow-wrap: break-word;
  background: var(--v-tint); border: 1px solid var(--v-line); border-radius: 9px;
  padding: 0 7px; margin: 1px 0; font-size: 12px; line-height: 1.4; }
.ursa-v span.ursa-chip b { font-weight: 600; }
.ursa-v span.ursa-processed { color: var(--v-ok); } .ursa-v span.ursa-failed,
.ursa-v .ursa-error { color: var(--v-error); }
.ursa-v span.ursa-ingesting, .ursa-v .ursa-warn { color: var(--v-warn); }
.ursa-v div.ursa-scroll { overflow-x: auto; margin: 8px 0 6px; }
.ursa-v div.ursa-scroll:focus-visible { outline: 2px solid var(--v-accent); }
.ursa-v table.ursa-t { border-collapse: collapse; table-layout: auto; width: auto;
  min-width: min(100%, 34rem); margin: 0; color: inherit; font: inherit; border: 0; }
.ursa-v table.ursa-t caption { caption-side: top; text-align: left; padding: 2px 8px 2px 0;
  color: var(--v-fg2); font-size: 12px; }
.ursa-v table.ursa-t tr, .ursa-v table.ursa-t tbody tr,
.ursa-v table.ursa-t tbody tr:nth-child(n) { background: none; border: 0;
  border-top: 1px solid var(--v-line); }
.ursa-v table.ursa-t thead tr { border-top: 0; }
.ursa-v table.ursa-t tbody tr:nth-child(n):hover { background: var(--v-tint); }
.ursa-v table.ursa-t th, .ursa-v table.ursa-t td { text-align: left; vertical-align: baseline;
  padding: 4px 14px 4px 0; border: 0; background: none; white-space: normal; max-width: 30rem;
  line-height: 1.45; font-weight: 400; overflow-wrap: break-word; }
.ursa-v table.ursa-t thead th { color: var(--v-fg2); font-size: 12px; white-space: nowrap; }
.ursa-v table.ursa-t tbody th { font-weight: 600; }
.ursa-v table.ursa-t .ursa-n { text-align: right; white-space: nowrap;
  font-variant-numeric: tabular-nums; }
.ursa-v table.ursa-t .ursa-w { white-space: nowrap; font-variant-numeric: tabular-nums; }
.ursa-v table.ursa-t .ursa-c { min-width: 11em; }
.ursa-v table.ursa-t .ursa-l { min-width: 15em; }
@container (max-width: 600px) { .ursa-v table.ursa-t .ursa-l { min-width: 24em; } }
.ursa-v table.ursa-t tfoot td, .ursa-v table.ursa-t tfoot th { font-weight: 600; }
.ursa-v p.ursa-p { margin: 0 0 4px; color: var(--v-fg2); overflow-wrap: anywhere; }
.ursa-v p.ursa-warn { color: var(--v-warn); }
.ursa-v .ursa-key { color: var(--v-fg2); }
.ursa-v :not(pre) > code { font-size: 12px;
  font-family: var(--jp-code-font-family, ui-monospace, monospace);
  background: var(--v-tint); color: inherit; padding: 0 4px; border-radius: 3px;
  overflow-wrap: anywhere; }
.ursa-v details { margin: 0 0 6px; } .ursa-v summary { cursor: pointer; }
.ursa-v svg.ursa-line { display: block; width: 100%; min-width: 10em; height: 10px;
  background: var(--v-line); border-radius: 2px; margin: 2px 0 4px; }
.ursa-v svg.ursa-line path { fill: var(--v-accent); }
.ursa-v svg.ursa-whole path { opacity: .45; }
.ursa-v div.ursa-bar { height: 8px; min-width: 8em; border-radius: 4px; overflow: hidden;
  background: var(--v-line); margin: 2px 0 4px; }
.ursa-v div.ursa-bar span { display: block; height: 100%; background: var(--v-accent); }
.ursa-v div.ursa-done span { background: var(--v-ok); }
.ursa-v div.ursa-failed span, .ursa-v div.ursa-cancelled span { background: var(--v-error); }
.ursa-v div.ursa-paused span { background: var(--v-warn); }
"""


def view(*children: Html) -> str:
    """Return a whole view: its style, then its parts.

    Examples
    --------
    >>> view(tag("p", "<b>")).endswith('</style><p>&lt;b&gt;</p></div>')
    True
    """
    return str(tag("div", tag("style", Html(STYLE)), *children, class_="ursa-v"))
