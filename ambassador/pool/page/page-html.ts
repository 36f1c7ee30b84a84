import { hash } from '#shared/builtins.ts'
import type { Page } from '#shared/lifecycle/admin-server.ts'
import { pageScript } from './script.ts'
import { pageStyle } from './style.ts'

/**
 * The whole page in one answer. Nothing is fetched but `/pool.json`: the policy of its head names
 * its style and its script by their hashes and allows no other (Content Security Policy, level 3).
 */
export function htmlPage(): Page {
  const script = pageScript()
  const policy = [
    "default-src 'none'",
    `script-src ${sourceOf(script)}`,
    `style-src ${sourceOf(pageStyle)}`,
    "connect-src 'self'",
    'img-src data:',
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
    "require-trusted-types-for 'script'",
  ]
  return {
    status: 200,
    type: 'text/html; charset=utf-8',
    text: document(pageStyle, script),
    headers: { ...quiet, 'content-security-policy': policy.join('; ') },
  }
}

/** Of both answers: nothing of it is kept, sent on, or taken for something else. */
export const quiet: Readonly<Record<string, string>> = {
  'cache-control': 'no-store',
  'cross-origin-resource-policy': 'same-origin',
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
}

function sourceOf(text: string): string {
  return `'sha256-${hash('sha256', text, 'base64')}'`
}

/** What never changes; the script finds its places by their ids. */
function document(style: string, script: string): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<link rel="icon" href="data:,">
<title>pool</title>
<style>${style}</style>
</head>
<body>
<header>
<div><h1 id="provider">pool</h1><p id="policy" class="soft"></p></div>
<p id="link" class="link">asking</p>
</header>
<p id="told" role="status" class="unseen"></p>
<noscript><p class="card">This page needs its script; <code>/statusz</code> has the same in JSON.</p></noscript>
<main>
<section class="tiles" aria-label="The whole pool">
<div class="tile" id="serving"><h2>Replicas serving</h2></div>
<div class="tile" id="in-flight"><h2>Calls in flight</h2></div>
<div class="tile" id="waits"><h2>Calls waiting</h2></div>
<div class="tile" id="found"><h2>Cached as expected</h2></div>
<div class="tile broad" id="ttft"><h2>Time to first token, 5 minutes</h2></div>
<div class="tile broad" id="held"><h2>Held for a replica, 5 minutes</h2></div>
</section>
<section class="card" aria-labelledby="replicas-title">
<h2 id="replicas-title">Replicas</h2>
<div class="scroll many" tabindex="0" role="region" aria-labelledby="replicas-title">
<table>
<thead><tr><th scope="col">replica</th><th scope="col">state</th><th scope="col">calls in flight</th>
<th scope="col">tokens to prefill</th><th scope="col">KV cache in use</th><th scope="col">prefix hits</th>
<th scope="col" class="number">trust</th><th scope="col" class="number">heard</th></tr></thead>
<tbody id="replicas"></tbody>
</table>
</div>
<p id="none" class="soft" hidden>This provider has no replicas: it is no pool, or its Service has none yet.</p>
</section>
<div class="pair">
<section class="card" aria-labelledby="queues-title">
<h2 id="queues-title">Waiting for a replica</h2>
<p id="nobody" class="soft">Nobody waits.</p>
<div id="queues" hidden>
<table><thead><tr><th scope="col">class</th><th scope="col">calls</th><th scope="col" class="number"></th></tr></thead>
<tbody id="classes"></tbody></table>
<table><thead><tr><th scope="col">tenant</th><th scope="col">calls</th><th scope="col" class="number">tokens</th></tr></thead>
<tbody id="tenants"></tbody></table>
</div>
</section>
<section class="card" id="times-card" aria-labelledby="times-title" hidden>
<h2 id="times-title">Replicas’ time by tenant</h2>
<div class="scroll" tabindex="0" role="region" aria-labelledby="times-title">
<table><thead><tr><th scope="col">tenant</th><th scope="col">class</th><th scope="col" class="number">weight</th>
<th scope="col" class="number">time had</th><th scope="col" class="number">ahead by</th></tr></thead>
<tbody id="times"></tbody></table>
</div>
</section>
<section class="card" id="notices-card" aria-labelledby="notices-title" hidden>
<h2 id="notices-title">What replicas do not say</h2>
<ul id="notices"></ul>
</section>
</div>
<section class="card" aria-labelledby="decisions-title">
<h2 id="decisions-title">Last decisions</h2>
<p id="undecided" class="soft">No call has come yet.</p>
<ol id="decisions"></ol>
</section>
</main>
<script type="module">${script}</script>
</body>
</html>
`
}
