/** Of the page; colours by what the reader’s system prefers. */
export const pageStyle = `
:root{color-scheme:light dark;
--ground:light-dark(#f4f5f7,#101216);--card:light-dark(#fff,#181b21);--ink:light-dark(#16191d,#e7eaee);
--soft:light-dark(#5b6470,#97a1ae);--line:light-dark(#e2e5ea,#2a2f38);--track:light-dark(#eceff3,#262b33);
--calls:light-dark(#3b6fd9,#6d9bff);--queue:light-dark(#b7791f,#e0a748);--kv:light-dark(#0f8a7e,#3fc1b3);
--hits:light-dark(#7a56c9,#a98bf0);--good:light-dark(#17803d,#4cc779);--warn:light-dark(#a35a00,#f0a848);
--bad:light-dark(#c02626,#ff7b72);--mono:ui-monospace,"SF Mono",Menlo,Consolas,"DejaVu Sans Mono",monospace}
*{box-sizing:border-box}
body{margin:0;background:var(--ground);color:var(--ink);font:14px/1.45 system-ui,"DejaVu Sans",sans-serif;
font-variant-numeric:tabular-nums}
header{display:flex;justify-content:space-between;align-items:center;gap:16px;flex-wrap:wrap;
max-inline-size:1280px;margin:0 auto;padding:20px 20px 4px}
main{max-inline-size:1280px;margin:0 auto;padding:12px 20px 40px;display:grid;gap:14px;
grid-template-columns:minmax(0,1fr)}
h1{font-size:20px;margin:0;letter-spacing:-.01em}
h2{font-size:12px;font-weight:600;margin:0 0 8px;color:var(--soft)}
p{margin:0}
.soft{color:var(--soft)}
.mono{font-family:var(--mono);font-size:.93em}
.unseen{position:absolute;inline-size:1px;block-size:1px;overflow:hidden;clip-path:inset(50%);white-space:nowrap}
.card,.tile{background:var(--card);border:1px solid var(--line);border-radius:10px;padding:14px 16px;min-inline-size:0}
.tiles{display:grid;gap:14px;grid-template-columns:repeat(4,minmax(0,1fr))}
.tile{display:flex;flex-direction:column}
.tile h2{margin-block-end:2px}
.tile.broad{grid-column:span 2}
.tile .value{font-size:24px;font-weight:600;letter-spacing:-.02em;line-height:1.25}
.pair{display:grid;gap:14px;grid-template-columns:repeat(auto-fit,minmax(min(100%,420px),1fr))}
.link{display:inline-flex;align-items:center;gap:8px;padding:5px 12px;border-radius:999px;
border:1px solid var(--line);background:var(--card);white-space:nowrap}
.link::before{content:"";inline-size:8px;block-size:8px;border-radius:50%;background:var(--soft)}
.link.up::before{background:var(--good)}
.link.draining::before{background:var(--warn)}
.link.down{border-color:var(--bad);color:var(--bad);font-weight:600}
.link.down::before{background:var(--bad)}
.lost main{opacity:.45;filter:grayscale(1)}
.scroll{overflow:auto}
.many{max-block-size:max(60vh,420px)}
.many thead th{position:sticky;inset-block-start:0;background:var(--card);z-index:1}
.scroll:focus-visible,summary:focus-visible{outline:2px solid var(--calls);outline-offset:2px}
table{border-collapse:collapse;inline-size:100%}
th,td{text-align:start;padding:6px 14px 6px 0;border-block-start:1px solid var(--line);
font-weight:400;white-space:nowrap;vertical-align:middle}
thead th{color:var(--soft);font-size:12px;border:0;padding-block:0 6px}
th:last-child,td:last-child{padding-inline-end:0}
tbody th .soft{margin-inline-start:8px}
th.number,.number{text-align:end}
.wide{min-inline-size:112px;inline-size:17%}
.figure{display:block;line-height:1.3}
.track,.stack{display:block;block-size:5px;border-radius:3px;background:var(--track);overflow:hidden;margin-block-start:2px}
.stack{display:flex}
.fill{display:block;block-size:100%;border-radius:3px;transition:inline-size .4s ease-out}
.fill.calls{background:var(--calls)}
.fill.queue{background:var(--queue)}
.fill.kv{background:var(--kv)}
.fill.full{background:var(--bad)}
.fill.hits{background:var(--hits)}
.state{display:inline-flex;align-items:center;gap:7px}
.state::before{content:"";inline-size:8px;block-size:8px;border-radius:50%;background:var(--good)}
.state.asleep::before,.state.leaving::before,.state.spared::before{background:var(--soft)}
.state.ejected,.state.unheard,.old{color:var(--warn)}
.state.ejected::before,.state.unheard::before{background:var(--warn)}
.state.silent{color:var(--bad);font-weight:600}
.state.silent::before{background:var(--bad);border-radius:2px}
.away .track,.away .figure{opacity:.5}
.spark{inline-size:100%;block-size:48px;margin-block-start:8px;display:block}
.spark path{fill:none;vector-effect:non-scaling-stroke;stroke-linecap:round}
.spark .most{stroke:var(--calls);stroke-width:2;opacity:.3;stroke-linecap:butt}
.spark .mean{stroke:var(--calls);stroke-width:3.5}
#held .most,#held .mean{stroke:var(--queue)}
.spark .good{stroke:var(--good);stroke-width:1.5;stroke-dasharray:3 3;stroke-linecap:butt}
.spark .bad{stroke:var(--bad);stroke-width:1.5;stroke-linecap:butt}
ul,ol{list-style:none;margin:0;padding:0}
#notices li{display:grid;gap:2px;padding:7px 0 7px 12px;border-inline-start:3px solid var(--warn);margin-block-end:8px}
#notices li.bad{border-color:var(--bad)}
#queues{display:grid;gap:16px}
.name{max-inline-size:240px;overflow:hidden;text-overflow:ellipsis}
#decisions>li{border-block-start:1px solid var(--line)}
summary{display:grid;grid-template-columns:72px minmax(120px,1.4fr) minmax(150px,1.3fr) minmax(130px,1fr) minmax(90px,.8fr) minmax(130px,1fr);
gap:0 14px;padding:7px 4px 7px 20px;cursor:pointer;list-style:none;position:relative}
summary::-webkit-details-marker{display:none}
summary::before{content:"";position:absolute;inset-inline-start:4px;inset-block-start:13px;
border:4px solid transparent;border-inline-start:6px solid var(--soft)}
details[open]>summary::before{transform:rotate(90deg);transform-origin:3px 50%}
summary:hover{background:var(--track)}
summary span{overflow:hidden;text-overflow:ellipsis;white-space:nowrap;min-inline-size:0}
.when,.prompt{color:var(--soft)}
.where{font-family:var(--mono);font-size:.93em}
.was-held .held{color:var(--warn)}
.went-wrong .came{color:var(--bad)}
#queues table{table-layout:fixed}
#queues .wide{inline-size:40%}
#queues .number{inline-size:22%}
[class*=key-]::before{content:"";display:inline-block;inline-size:8px;block-size:8px;border-radius:2px;margin-inline-end:6px}
.why{padding:4px 4px 14px 20px;display:grid;gap:10px;grid-template-columns:minmax(0,1fr)}
.why a{color:var(--calls)}
.costs tr.chosen th{font-weight:700}
.costs tr.chosen th::after{content:" chosen";font-family:system-ui,"DejaVu Sans",sans-serif;color:var(--good)}
.costs tr.next th::after{content:" next best";font-family:system-ui,"DejaVu Sans",sans-serif;color:var(--soft)}
.term-0,.key-0::before{background:var(--queue)}
.term-1,.key-1::before{background:var(--calls)}
.term-2,.key-2::before{background:var(--hits)}
.term-3,.key-3::before{background:var(--kv)}
.term-4,.key-4::before{background:var(--bad)}
@media (max-width:860px){
.tiles{grid-template-columns:repeat(2,minmax(0,1fr))}
summary{grid-template-columns:minmax(0,1fr) minmax(0,1fr)}
}
@media (max-width:480px){
header,main{padding-inline:12px}
.tile.broad{grid-column:1/-1}
.tile .value{font-size:20px}
}
@media (prefers-reduced-motion:reduce){.fill{transition:none}}
`
