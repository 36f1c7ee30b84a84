import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { test } from 'node:test'
import { htmlPage } from '#ambassador/pool/page/page-html.ts'

const { text, headers = {} } = htmlPage()
const policy = headers['content-security-policy'] ?? ''
const inside = (tag: string) =>
  Array.from(text.matchAll(new RegExp(`<${tag}[^>]*>([\\s\\S]*?)</${tag}>`, 'g')), ([, it]) => it)

test('the policy names the one script and the one style by their hashes, and allows no other', () => {
  for (const tag of ['script', 'style']) {
    const [content, ...others] = inside(tag)
    assert.deepEqual(others, [])
    const hash = createHash('sha256').update(String(content)).digest('base64')
    assert.ok(policy.includes(`${tag}-src 'sha256-${hash}'`), tag)
  }
  assert.match(policy, /^default-src 'none'; /)
  assert.doesNotMatch(policy, /unsafe|\*|https?:/)
})

test('nothing comes from elsewhere, and nothing becomes markup', () => {
  assert.doesNotMatch(text, /innerHTML|outerHTML|insertAdjacent|document\.write|\bsrc=| on\w+="/)
  const addresses = Array.from(text.matchAll(/https?:\/\/[^'"\s)]*/g), ([address]) => address)
  // The one is a name, and nothing is fetched by it.
  assert.deepEqual(new Set(addresses), new Set(['http://www.w3.org/2000/svg']))
})

test('the script finds every place it asks for', () => {
  const script = String(inside('script')[0])
  const asked = Array.from(script.matchAll(/\b(?:find|tile)\('([\w-]+)'\)/g), ([, id]) =>
    String(id),
  )
  assert.ok(asked.length > 10)
  for (const id of asked) assert.ok(text.includes(`id="${id}"`), id)
})

test('tables say what their columns are, and fast figures are not read aloud', () => {
  assert.ok(inside('thead').length >= 3)
  for (const head of inside('thead')) {
    assert.equal(head?.match(/<th /g)?.length, head?.match(/scope="col"/g)?.length)
  }
  assert.deepEqual(text.match(/role="status"|aria-live/g), ['role="status"'])
})
