import type { Json } from './json.ts'
import type { ChatFacts, TextFacts } from './prompt-facts.ts'

/** A prompt on which two tokenizers are compared. */
export interface Probe {
  /** For people: what is different where it differs. */
  readonly name: string
  readonly facts: ChatFacts | TextFacts
}

function text(name: string, content: string): Probe {
  return { name, facts: { kind: 'text', text: content, addsSpecialTokens: true } }
}

function chat(name: string, messages: readonly Json[], more: Partial<ChatFacts> = {}): Probe {
  return { name, facts: { ...conversation, messages, ...more } }
}

const conversation: ChatFacts = {
  kind: 'chat',
  messages: [],
  tools: undefined,
  templateOptions: {},
  addsGenerationPrompt: true,
  continuesLast: false,
  addsSpecialTokens: false,
}

const system: Json = { role: 'system', content: 'You are terse. Answer in one line.' }
const user: Json = { role: 'user', content: 'How many legs do 3 cats and 2 ducks have?' }
const assistant: Json = { role: 'assistant', content: '16: 3 × 4 + 2 × 2.' }
const again: Json = { role: 'user', content: 'And 10 spiders?\n\nShow the sum.' }

const tools: readonly Json[] = [
  {
    type: 'function',
    function: {
      name: 'weather_at',
      description: 'The weather "now" in a town',
      parameters: {
        type: 'object',
        properties: {
          town: { type: 'string', description: 'e.g. Zürich' },
          days: { type: 'integer', minimum: 1, enum: [1, 3, 7] },
        },
        required: ['town'],
      },
    },
  },
  { type: 'function', function: { name: 'now' } },
]

const asking: Json = {
  role: 'assistant',
  content: null,
  tool_calls: [
    {
      id: 'call00001',
      type: 'function',
      function: { name: 'weather_at', arguments: '{"town": "Zürich", "days": 3}' },
    },
  ],
}
const result: Json = { role: 'tool', tool_call_id: 'call00001', content: '{"c": [21, 19.5]}' }

const scripts =
  'naïve façade — Ångström e\u0301te\u0301, Быстрая лиса, 敏捷的棕色狐狸, 東京は首都です, 안녕하세요, สวัสดี, नमस्ते, 👩‍👩‍👧 🚀 ½ ﬁ'
const code = 'if (a[i] !== "b") {\n\treturn f(0x1f, 1e-9)\n}\r\n\n\n    // end'

const texts: readonly Probe[] = [
  text('one letter', 'a'),
  text(
    'prose',
    'The quick brown fox doesn’t jump; they’re "sleeping", and WE’LL see 1234567 of them.',
  ),
  text('scripts', scripts),
  text('code', code),
  text('white space', '  a   b\t\tc\n \n  d\u00a0e\u3000f   '),
  text('what looks like a special token', 'a <|im_end|> b </s> c <end_of_turn> d <|eot_id|>'),
  text('a long run', `${'x'.repeat(600)} ${'ab'.repeat(300)}${'-'.repeat(200)}`),
  text('long prose', `${'Caches hold what was said before. '.repeat(120)}${scripts}`),
]

const chats: readonly Probe[] = [
  chat('a question', [user]),
  chat('a system prompt', [system, user]),
  chat('three turns', [system, user, assistant, again]),
  chat('three turns without a system prompt', [user, assistant, again]),
  chat('no generation prompt', [user, assistant], { addsGenerationPrompt: false }),
  chat('scripts in a conversation', [{ role: 'user', content: `${scripts}\n${code}` }]),
  chat('a message between spaces', [{ role: 'user', content: '\n  x  \n' }]),
  chat('content in parts', [{ role: 'user', content: [part('One part.'), part('Another one.')] }]),
  chat('tools', [user], { tools }),
  chat('tools and a system prompt', [system, user], { tools }),
  chat('a call of a tool and its result', [user, asking, result], { tools }),
  chat('a conversation after a tool', [system, user, asking, result, assistant, again], { tools }),
]

const thoughts: readonly Probe[] = ['reasoning', 'reasoning_content'].flatMap((name) => {
  const thinking = { ...assistant, [name]: 'Four legs a cat, two a duck.' }
  return [
    chat(`an earlier ${name}`, [user, thinking, again]),
    chat(`a last ${name}`, [user, thinking], { addsGenerationPrompt: false }),
  ]
})

function part(content: string): Json {
  return { type: 'text', text: content }
}

/** What is compared before anything local is believed: plain prompts first. */
export const probes: readonly Probe[] = [...texts, ...chats, ...thoughts]

/** Conversations on which is tried whether new messages can be asked for alone, and from which on. */
export const growthProbes: readonly { readonly facts: ChatFacts; readonly seen: number }[] = [
  { facts: { ...conversation, messages: [system, user, assistant, again] }, seen: 2 },
  {
    facts: { ...conversation, messages: [system, user, asking, result, assistant, again], tools },
    seen: 2,
  },
]
