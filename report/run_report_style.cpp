#include "report/run_report_style.hpp"

namespace scimix {

std::string_view run_report_style() {
  return R"(:root {
  color-scheme: light dark;
  --paper: #ffffff; --ink: #1b1f24; --muted: #57606a; --rule: #dfe3e8; --soft: #f4f6f8;
  --note: #fff6dd; --note-edge: #b58100;
  --line-0: #0a5fb4; --line-1: #b8480a; --line-2: #0f766e;
  --line-3: #8a3a9c; --line-4: #5b6470; --line-5: #8a6500;
}
@media screen and (prefers-color-scheme: dark) {
  :root {
    --paper: #15181c; --ink: #f2f4f6; --muted: #a3acb6; --rule: #31373e; --soft: #1e2227;
    --note: #2d2714; --note-edge: #d9a520;
    --line-0: #74b3f5; --line-1: #f5965c; --line-2: #4fc9b0;
    --line-3: #d79be6; --line-4: #aeb7c1; --line-5: #e3c04d;
  }
}
* { box-sizing: border-box; }
html { -webkit-text-size-adjust: 100%; }
body { margin: 0; background: var(--paper); color: var(--ink); font: 16px/1.5 system-ui, sans-serif; }
main { max-width: 78rem; margin: 0 auto; padding: clamp(1.25rem, 4vw, 3rem) clamp(1rem, 4vw, 3rem); }
h1 { font-size: clamp(1.4rem, 1.1rem + 1.4vw, 2rem); line-height: 1.2; font-weight: 650;
  margin: 0 0 1.25rem; text-wrap: balance; overflow-wrap: anywhere; }
h2 { font-size: 1.15rem; font-weight: 650; margin: 3rem 0 1rem; padding-top: 0.75rem;
  border-top: 1px solid var(--rule); }
.notes { margin: 0 0 1.5rem; padding: 0.75rem 1rem; list-style: none; background: var(--note);
  border-left: 4px solid var(--note-edge); max-width: 60rem; }
.notes li + li { margin-top: 0.4rem; }
.figures { display: flex; flex-wrap: wrap; gap: 1.25rem 2.5rem; margin: 0; }
.figures div { display: flex; flex-direction: column-reverse; min-width: 0; }
.figures dt { color: var(--muted); font-size: 0.875rem; }
.figures dd { margin: 0; font-size: clamp(1.25rem, 1rem + 1.2vw, 1.75rem); line-height: 1.25; font-weight: 600;
  font-variant-numeric: tabular-nums; overflow-wrap: anywhere; }
.figures .long { font-size: 1rem; }
.charts { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 20rem), 1fr));
  gap: 2rem 2.5rem; }
figure { margin: 0; min-width: 0; break-inside: avoid; }
.charts figure { max-width: 30rem; }
figcaption { font-weight: 600; font-size: 0.9375rem; margin-bottom: 0.5rem; overflow-wrap: anywhere; }
.box { overflow-x: auto; max-width: 100%; }
.box:focus-visible { outline: 2px solid var(--line-0); outline-offset: 2px; }
.confusion { display: block; }
.pictures { display: flex; flex-wrap: wrap; gap: 2rem 2.5rem; align-items: flex-start; }
.pictures figure { max-width: 100%; }
.pictures img { display: block; max-width: 100%; height: auto; image-rendering: pixelated; }
.missing { color: var(--muted); overflow-wrap: anywhere; }
.settings { columns: 20rem 3; column-gap: 2.5rem; }
.settings table { width: 100%; border-collapse: collapse; margin-bottom: 1.5rem; font-size: 0.875rem; }
.settings table:not(:only-child) { break-inside: avoid; }
.settings caption { text-align: left; font-weight: 600; padding-bottom: 0.25rem; }
.settings tr { break-inside: avoid; }
.settings th, .settings td { text-align: left; vertical-align: top; padding: 0.25rem 0;
  border-bottom: 1px solid var(--rule); }
.settings th { width: 50%; font-weight: 400; color: var(--muted); padding-right: 1rem; white-space: nowrap; }
.settings td { font-variant-numeric: tabular-nums; overflow-wrap: anywhere; }
pre { margin: 0; padding: 0.75rem 1rem; background: var(--soft); border-radius: 4px;
  font: 0.875rem/1.5 ui-monospace, monospace; user-select: all; }
@media print {
  main { max-width: none; padding: 0; }
  h2 { break-after: avoid; margin-top: 1.5rem; }
  .box { overflow: visible; }
  .confusion { max-width: 100%; height: auto; }
  pre { white-space: pre-wrap; overflow-wrap: anywhere; }
  .notes { border: 1px solid var(--note-edge); border-left-width: 4px; }
}
)";
}

}  // namespace scimix
