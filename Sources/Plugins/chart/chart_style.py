"""The colours and type of charts and pages, in light, dark and print.

A chart names classes and no colours, so that it looks right on its own and
inside a page. Text on a heat map's cell keeps a contrast of at least 4.5 : 1
(WCAG 2.2, 1.4.3): a cell is the accent at some opacity over the background,
and its text is black or white, whichever stands out. They change places at
another opacity in light than in dark, hence three classes.
"""

from __future__ import annotations

# Up to the first opacity a cell's text is black in light and white in dark;
# up to the second black in both; beyond it white in light and black in dark.
LOW_LIMIT = 0.615
MID_LIMIT = 0.835

_LIGHT = """--paper:#ffffff;--ink:#1b1f24;--muted:#59636e;--line:#dce1e7;\
--tint:#eef2f7;--accent:#1c5cab;--on-low:#000000;--on-mid:#000000;\
--on-high:#ffffff"""
_DARK = """--paper:#17191d;--ink:#e6e8eb;--muted:#9aa4af;--line:#343a42;\
--tint:#22262c;--accent:#7fb3f2;--on-low:#ffffff;--on-mid:#000000;\
--on-high:#000000"""

SANS = "system-ui,-apple-system,'Segoe UI','Noto Sans',Roboto,sans-serif"
SERIF = "'Iowan Old Style','Noto Serif',Charter,Georgia,serif"

VARIABLES = (
    f":root{{color-scheme:light dark;{_LIGHT}}}"
    f"@media (prefers-color-scheme:dark){{:root{{{_DARK}}}}}"
    f"@media print{{:root{{{_LIGHT}}}}}"
)

CHART = f"""\
.chart{{font-family:{SANS};font-size:14px;font-variant-numeric:tabular-nums}}
.chart-name{{fill:var(--ink)}}
.chart-value{{fill:var(--muted)}}
.chart-small{{font-size:12px}}
.chart-track{{fill:var(--tint)}}
.chart-bar,.chart-cell{{fill:var(--accent)}}
.chart-self{{fill:var(--tint)}}
.chart-low{{fill:var(--on-low)}}
.chart-mid{{fill:var(--on-mid)}}
.chart-high{{fill:var(--on-high)}}
"""

PAGE = f"""\
*{{box-sizing:border-box}}
html{{-webkit-text-size-adjust:100%}}
body{{margin:0;background:var(--paper);color:var(--ink);\
font:1.0625rem/1.6 {SANS}}}
main{{max-width:50rem;margin:0 auto;padding:4rem 1.5rem 3rem}}
h1,h2{{font-family:{SERIF};font-weight:600;line-height:1.2;\
text-wrap:balance}}
h1{{font-size:clamp(2rem,6vw,2.9rem);margin:0 0 1rem;\
letter-spacing:-.015em}}
h2{{font-size:1.5rem;margin:0 0 .5rem}}
.lead{{font-size:1.2rem;color:var(--muted);margin:0;text-wrap:pretty}}
section{{margin-top:3.5rem}}
section p{{margin:0 0 1.25rem;max-width:42rem;text-wrap:pretty}}
figure{{margin:0;overflow-x:auto}}
figure:focus-visible,.table:focus-visible{{outline:2px solid var(--accent);\
outline-offset:4px}}
svg{{display:block;max-width:100%}}
svg.chart-wide{{max-width:none;width:100%;min-width:40rem;height:auto}}
.figures{{display:grid;gap:1.5rem;margin:0;\
grid-template-columns:repeat(auto-fit,minmax(8.5rem,1fr));\
border-top:1px solid var(--line);padding-top:1.5rem}}
.figures div{{display:flex;flex-direction:column-reverse;\
justify-content:flex-end}}
.figures dt{{color:var(--muted);font-size:.9rem}}
.figures dd{{margin:0;font:600 1.9rem/1.2 {SERIF};\
font-variant-numeric:tabular-nums;overflow-wrap:anywhere}}
.table{{overflow-x:auto}}
table{{border-collapse:collapse;width:100%;font-size:.95rem}}
th,td{{padding:.5rem .75rem;text-align:left;vertical-align:top;\
border-bottom:1px solid var(--line)}}
th:first-child,td:first-child{{padding-left:0}}
th:last-child,td:last-child{{padding-right:0}}
thead th{{color:var(--muted);font-weight:500;font-size:.85rem;\
vertical-align:bottom}}
tbody th{{font-weight:600}}
tbody th,.short{{white-space:nowrap}}
td:not(.right,.short){{min-width:13rem}}
.right{{text-align:right;font-variant-numeric:tabular-nums;\
white-space:nowrap}}
footer{{margin-top:4rem;padding-top:1rem;border-top:1px solid var(--line);\
color:var(--muted);font-size:.875rem}}
@media (max-width:36rem){{main{{padding:2.5rem 1.1rem 2rem}}\
section{{margin-top:2.75rem}}}}
@media print{{body{{font-size:10.5pt}}main{{max-width:none;padding:0}}\
section{{margin-top:2rem;break-inside:avoid}}section.long{{break-inside:auto}}\
tr{{break-inside:avoid}}figure,.table{{overflow:visible}}\
*{{print-color-adjust:exact;-webkit-print-color-adjust:exact}}}}
"""
