/** The style sheet of the report: one look for light and dark, wide and narrow. */
export const STYLE = `
:root { color-scheme: light dark;
  --page: #f6f7f9; --card: #fff; --ink: #16202c; --soft: #586575; --line: #e1e6ec; --accent: #1f6fb2; --water: #f1f5f9; --land: #dfe6ed; --border: #fff; --axis: #a9b6c4;
  --s0: #e9f1d6; --s1: #c5e3c3; --s2: #90cdb8; --s3: #58b0b3; --s4: #338bab; --s5: #25639b; --s6: #233e7c;
  --d0: #2166ac; --d1: #67a9cf; --d2: #c3dcec; --d3: #f6ead2; --d4: #f9cdaf; --d5: #e98560; --d6: #b3282d; }
@media (prefers-color-scheme: dark) { :root {
  --page: #10161d; --card: #18212b; --ink: #e8edf3; --soft: #9aa8b8; --line: #2a3642; --accent: #6cb4ee; --water: #131b23; --land: #283442; --border: #18212b; --axis: #4d5d6e;
  --s0: #2c3a52; --s1: #29517a; --s2: #2a6f96; --s3: #3a91a5; --s4: #5fb3a8; --s5: #9bd2a6; --s6: #e6efb5;
  --d0: #5aa5ee; --d1: #3f7bb8; --d2: #2f5273; --d3: #454a50; --d4: #7d5140; --d5: #c4694a; --d6: #ff8a6b; } }
* { box-sizing: border-box }
body { margin: 0; background: var(--page); color: var(--ink); font: 16px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, sans-serif; -webkit-text-size-adjust: 100% }
main { max-width: 1080px; margin: 0 auto; padding: 40px 24px 56px }
h1 { font-size: clamp(1.6rem, 4.5vw, 2.4rem); line-height: 1.15; letter-spacing: -.02em; margin: 0 0 8px; text-wrap: balance }
h2 { font-size: 1.25rem; margin: 0 0 2px; letter-spacing: -.01em }
h3 { font-size: 1rem; margin: 0 0 8px }
p { margin: 0 0 12px } .soft { color: var(--soft) } .note { margin: 10px 0 0 } .small { font-size: .875rem }
header p { font-size: 1.06rem; color: var(--soft); max-width: 44em }
.numbers { display: grid; grid-template-columns: repeat(auto-fit, minmax(150px, 1fr)); gap: 12px; margin: 24px 0; padding: 0 }
.numbers div { background: var(--card); border: 1px solid var(--line); border-radius: 12px; padding: 14px 16px }
.numbers dt { color: var(--soft); font-size: .84rem } .numbers dd { margin: 0; font-size: 1.5rem; font-weight: 650; letter-spacing: -.02em; font-variant-numeric: tabular-nums }
section { background: var(--card); border: 1px solid var(--line); border-radius: 14px; padding: 22px 24px; margin: 16px 0 }
.pair { display: grid; grid-template-columns: repeat(2, minmax(0, 1fr)); gap: 16px } .pair section { margin: 0 }
.chart, .map { display: block; width: 100%; height: auto } .chart { margin-top: 10px } .map { border-radius: 8px; background: var(--water); margin: 12px 0 }
.chart text { fill: var(--soft); font-size: 13px; font-variant-numeric: tabular-nums } .chart .year { font-size: 12px; opacity: .8 }
.grid { stroke: var(--line) } .axis { stroke: var(--axis) }
.line { fill: none; stroke: var(--accent); stroke-width: 2.5; stroke-linejoin: round } .area { fill: var(--accent); opacity: .1 }
.dot { fill: var(--card); stroke: var(--accent); stroke-width: 2.5 }
.land { fill: var(--land) } .borders { fill: none; stroke: var(--border); stroke-linejoin: round; stroke-width: 1.2 }
.cells path { stroke: var(--cell-edge, var(--card)); stroke-width: .8; stroke-linejoin: round } .cells path:hover { stroke: var(--ink); stroke-width: 2 }
${classes('sequential', 's')}
${classes('diverging', 'd')}
.legend { list-style: none; display: flex; flex-wrap: wrap; gap: 6px 16px; margin: 0; padding: 0; font-size: .875rem; color: var(--soft); font-variant-numeric: tabular-nums }
.legend li { display: flex; align-items: center; gap: 6px; white-space: nowrap } .swatch { width: 16px; height: 16px; border-radius: 4px; background: var(--c); box-shadow: inset 0 0 0 1px rgb(127 127 127 / .25) }
.scroll { overflow-x: auto; margin: 0 -4px; padding: 0 4px } table { border-collapse: collapse; width: 100%; font-size: .92rem; font-variant-numeric: tabular-nums }
caption { text-align: left; color: var(--soft); font-size: .875rem; padding-bottom: 8px }
th, td { text-align: left; padding: 8px 12px 8px 0; border-bottom: 1px solid var(--line); vertical-align: top } thead th { color: var(--soft); font-weight: 500; font-size: .84rem } tbody th { font-weight: 500 }
tbody:last-child tr:last-child > * { border-bottom: 0 } .group th { padding-top: 18px; font-weight: 650 } .right { text-align: right; padding-right: 0; white-space: nowrap }
.heat td, .heat thead th { text-align: center; padding: 6px 4px } .heat td { border: 2px solid var(--card); border-radius: 6px; background: var(--c); min-width: 3.2em } .heat .c0 , .heat .c6 { color: #fff } .heat th { white-space: nowrap; padding-right: 10px; border: 0 } .heat thead th { border: 0 }
@media (prefers-color-scheme: dark) { .heat .c0, .heat .c6 { color: #10161d } .heat.sequential .c0 { color: #fff } } @media not (prefers-color-scheme: dark) { .heat.sequential .c0 { color: inherit } .heat.sequential .c4, .heat.sequential .c5 { color: #fff } }
.bars { list-style: none; margin: 10px 0 0; padding: 0; font-size: .92rem } .bars li { display: grid; grid-template-columns: minmax(4.5em, 9em) 1fr auto; align-items: center; gap: 10px; padding: 3px 0 } .bars span:first-child { overflow: hidden; text-overflow: ellipsis; white-space: nowrap }
.bar { height: 12px; border-radius: 3px; background: var(--accent); opacity: .85; min-width: 2px } .bars b { font-weight: 500; font-variant-numeric: tabular-nums }
footer { color: var(--soft); font-size: .875rem; margin-top: 24px } code { font: .92em ui-monospace, SFMono-Regular, Menlo, monospace; overflow-wrap: anywhere }
@media (max-width: 720px) { main { padding: 24px 14px 40px } section { padding: 16px 14px } .pair { grid-template-columns: minmax(0, 1fr) } .numbers { grid-template-columns: 1fr 1fr; gap: 8px; margin: 16px 0 } .numbers dd { font-size: 1.25rem } .chart text { font-size: 15px } .chart .year { font-size: 14px } .heat td { min-width: 0; font-size: .82rem; padding: 6px 1px } .heat th { font-size: .86rem; padding-right: 6px } .cells path { stroke-width: .4 } }
@media print { body { background: #fff } section, .numbers div { break-inside: avoid } }
`

function classes(palette: string, letter: string): string {
  return Array.from(
    { length: 7 },
    (_, index) => `.${palette} .c${index} { --c: var(--${letter}${index}); fill: var(--c) }`,
  ).join('\n')
}
