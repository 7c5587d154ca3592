"""How an incident's page looks: by day, by night, on paper and on a telephone."""

from __future__ import annotations

STYLE = """
:root{--paper:#fbfaf8;--card:#fff;--ink:#1c2024;--soft:#5d6670;--line:#dfe2e6;--bad:#b3261e;--badbg:#fbe5e3;--warn:#8a5a00;
--warnbg:#fdf0d3;--good:#1f6b3a;--goodbg:#e0f2e6;--told:#1f5f99;--run:#6a3fa0;--note:#59636e;--down:#f7d9d5}
@media (prefers-color-scheme:dark){:root{--paper:#14171a;--card:#1c2024;--ink:#e6e8ea;--soft:#9aa4ae;--line:#333a41;
--bad:#ff8a80;--badbg:#45201d;--warn:#f0c060;--warnbg:#3d3013;--good:#7fd49a;--goodbg:#173a24;--told:#86bdf0;--run:#c3a2f0;
--note:#a7b0b9;--down:#3c2422}}
*{box-sizing:border-box}
body{margin:0;background:var(--paper);color:var(--ink);font:16px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,sans-serif;
overflow-wrap:anywhere}
main{max-width:66rem;margin:0 auto;padding:1.5rem 1.25rem 3rem}
h1{font-size:1.9rem;line-height:1.2;margin:.2rem 0 .3rem}
h2{font-size:1.05rem;margin:0 0 .8rem;letter-spacing:.02em}
h3{font-size:.95rem;margin:0 0 .25rem}
p{margin:0 0 .6rem;color:var(--soft)}
small{display:block;color:var(--soft);font-size:.8rem}
code,pre,.at{font-family:ui-monospace,"SF Mono",Menlo,Consolas,monospace;font-size:.86em}
ul,ol{margin:0;padding-left:1.2rem}
section,header{background:var(--card);border:1px solid var(--line);border-radius:12px;padding:1.1rem 1.25rem;margin:0 0 1rem}
.badges{display:flex;gap:.4rem;flex-wrap:wrap}
.badge{display:inline-block;border:1px solid currentColor;border-radius:99px;padding:0 .6rem;font-size:.78rem;font-weight:600;
line-height:1.5rem;color:var(--soft)}
.badge.sev1,.badge.bad{color:var(--bad);background:var(--badbg)}
.badge.sev2,.badge.warn{color:var(--warn);background:var(--warnbg)}
.badge.good{color:var(--good);background:var(--goodbg)}
dl{display:grid;grid-template-columns:repeat(auto-fill,minmax(15rem,1fr));gap:.55rem 1.5rem;margin:.8rem 0 0}
dt{color:var(--soft);font-size:.78rem}
dd{margin:0;font-weight:500}
.pressing{list-style:none;padding:0;margin:0 0 1rem}
.pressing li{border-left:4px solid var(--bad);background:var(--badbg);border-radius:6px;padding:.5rem .8rem;margin:0 0 .4rem;
font-weight:600}
.clocks{list-style:none;padding:0;display:grid;grid-template-columns:repeat(auto-fill,minmax(17rem,1fr));gap:1rem}
.clocks li{--tone:var(--told);font-size:.9rem}
.clocks .bad{--tone:var(--bad)}.clocks .warn{--tone:var(--warn)}.clocks .good{--tone:var(--good)}
.meter{display:block;width:100%;height:7px;margin:.35rem 0}
.meter .all{fill:var(--line)}.meter .used{fill:var(--tone)}
.frame{overflow-x:auto;margin:0 -.4rem 1rem}
.drawn{display:block;width:100%;min-width:44rem;height:auto;font:13px system-ui,-apple-system,"Segoe UI",Roboto,sans-serif}
.drawn .down{fill:var(--down)}
.drawn .open{stroke:var(--bad);stroke-dasharray:5 4}
.drawn .lasted{fill:var(--bad);font-weight:600}
.drawn .lane{stroke:var(--line)}.drawn .axis{stroke:var(--soft)}
.drawn .tick{stroke:var(--line);stroke-dasharray:2 4}
.drawn .name,.drawn .hour{fill:var(--soft)}
.drawn .gap{fill:var(--card);fill-opacity:.65;stroke:var(--soft);stroke-dasharray:1 5}
.drawn .broken{fill:var(--soft);font-size:12px}
.drawn .bar{fill:var(--run);opacity:.25}
.drawn .dot{stroke:var(--card);stroke-width:1.5;fill:var(--note)}
.drawn .bad{fill:var(--bad)}.drawn .warn{fill:var(--warn)}.drawn .good{fill:var(--good)}
.drawn .told{fill:var(--told)}.drawn .run{fill:var(--run)}
.drawn a:hover .dot,.drawn a:focus .dot{stroke:var(--ink)}
.rows{border-collapse:collapse;width:100%}
.rows td{vertical-align:top;padding:.35rem .6rem .35rem 0;border-top:1px solid var(--line)}
.rows .day th{text-align:left;padding:.8rem 0 .3rem;color:var(--soft);font-size:.8rem}
.rows .at{white-space:nowrap;color:var(--soft);padding-top:.45rem}
.rows tr:target td{background:var(--warnbg)}
.mark{font-size:.82rem;font-weight:600;white-space:nowrap;color:var(--note)}
.mark.bad{color:var(--bad)}.mark.warn{color:var(--warn)}.mark.good{color:var(--good)}.mark.told{color:var(--told)}
.mark.run{color:var(--run)}
.phases{display:grid;grid-template-columns:repeat(auto-fill,minmax(19rem,1fr));gap:1.2rem}
.phase h3{text-transform:uppercase;letter-spacing:.04em;font-size:.82rem}
.phase p{font-size:.82rem;margin-bottom:.3rem}
.phase.here{outline:2px solid var(--warn);outline-offset:.5rem;border-radius:4px}
.phase ul{list-style:none;padding:0}
.phase li{padding:.2rem 0;font-size:.92rem}
.phase b{display:inline-block;min-width:4.1rem;font-size:.75rem;color:var(--soft)}
.phase .open b{color:var(--warn)}.phase .done b{color:var(--good)}
.proposals li{padding:.15rem 0}
article{margin:0 0 1rem}
pre{white-space:pre-wrap;background:var(--paper);border:1px solid var(--line);border-radius:8px;padding:.8rem;margin:.4rem 0 0}
footer{color:var(--soft);font-size:.82rem}
@media (max-width:36rem){main{padding:.8rem}h1{font-size:1.5rem}section,header{padding:.9rem}}
@media print{:root{--paper:#fff;--card:#fff;--ink:#000;--soft:#444;--line:#bbb;--bad:#a00;--badbg:#fff;--warn:#740;--warnbg:#fff;
--good:#050;--goodbg:#fff;--told:#024;--run:#406;--note:#444;--down:#eee}
body{font-size:10.5pt}main{max-width:none;padding:0}section,header{border:0;padding:0;margin:0 0 1.2rem;border-radius:0}
.drawn{min-width:0}.rows tr,article,.phase,.clocks li{break-inside:avoid}h2,h3{break-after:avoid}}
"""
