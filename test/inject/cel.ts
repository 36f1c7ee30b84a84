import assert from 'node:assert/strict'
import { isJsonObject } from '#shared/kubernetes/kubernetes-object.ts'

type Scope = Readonly<Record<string, unknown>>

/**
 * Value of a CEL expression of the few forms that our policies use: `has`, `in`, `exists`,
 * `startsWith`, `==`, `!`, `&&`, `||`, members and texts. Where CEL has an error, this throws, and
 * harder: `&&` and `||` do not forgive an error on their left for the sake of their right.
 */
export function evaluate(expression: string, scope: Scope): unknown {
  const parser = new Parser(expression)
  const node = parser.or()
  parser.end()
  return node(scope)
}

type Node = (scope: Scope) => unknown

function truth(value: unknown): boolean {
  assert.ok(typeof value === 'boolean', 'not a boolean')
  return value
}

function memberOf(value: unknown, name: string): unknown {
  assert.ok(isJsonObject(value) && Object.hasOwn(value, name), `no such key: ${name}`)
  return value[name]
}

class Parser {
  readonly #tokens: readonly string[]
  #at = 0

  constructor(text: string) {
    const tokens = text.match(/'[^']*'|\|\||&&|==|[A-Za-z_]\w*|[^\s\w]/g)
    this.#tokens = tokens ?? []
  }

  end(): void {
    assert.equal(this.#at, this.#tokens.length, 'more than an expression')
  }

  or(): Node {
    let left = this.#and()
    while (this.#takes('||')) {
      const [one, other] = [left, this.#and()]
      left = (scope) => truth(one(scope)) || truth(other(scope))
    }
    return left
  }

  #and(): Node {
    let left = this.#comparison()
    while (this.#takes('&&')) {
      const [one, other] = [left, this.#comparison()]
      left = (scope) => truth(one(scope)) && truth(other(scope))
    }
    return left
  }

  #comparison(): Node {
    const left = this.#unary()
    if (this.#takes('==')) {
      const right = this.#unary()
      return (scope) => left(scope) === right(scope)
    }
    if (!this.#takes('in')) return left
    const right = this.#unary()
    return (scope) => {
      const map = right(scope)
      assert.ok(isJsonObject(map))
      return Object.hasOwn(map, String(left(scope)))
    }
  }

  #unary(): Node {
    if (!this.#takes('!')) return this.#postfix(this.#primary())
    const inner = this.#unary()
    return (scope) => !truth(inner(scope))
  }

  #primary(): Node {
    if (this.#takes('(')) {
      const inner = this.or()
      this.#must(')')
      return inner
    }
    const token = this.#next()
    if (token.startsWith("'")) return () => token.slice(1, -1)
    if (token === 'has') return this.#has()
    return (scope) => memberOf(scope, token)
  }

  /** The last member of the path is asked for; those before it have to be there. */
  #has(): Node {
    this.#must('(')
    const path = [this.#next()]
    while (this.#takes('.')) path.push(this.#next())
    this.#must(')')
    const last = path.at(-1) ?? ''
    return (scope) => {
      const holder = path.slice(0, -1).reduce<unknown>(memberOf, scope)
      assert.ok(isJsonObject(holder))
      return Object.hasOwn(holder, last)
    }
  }

  #postfix(start: Node): Node {
    let node = start
    for (;;) {
      const inner = node
      if (this.#takes('[')) {
        const key = this.or()
        this.#must(']')
        node = (scope) => memberOf(inner(scope), String(key(scope)))
      } else if (this.#takes('.')) {
        const name = this.#next()
        node = this.#takes('(')
          ? this.#method(inner, name)
          : (scope) => memberOf(inner(scope), name)
      } else return node
    }
  }

  #method(inner: Node, name: string): Node {
    if (name === 'startsWith') {
      const prefix = this.or()
      this.#must(')')
      return (scope) => String(inner(scope)).startsWith(String(prefix(scope)))
    }
    assert.equal(name, 'exists')
    const variable = this.#next()
    this.#must(',')
    const body = this.or()
    this.#must(')')
    return (scope) => {
      const all = inner(scope)
      const items: unknown[] = Array.isArray(all) ? all : isJsonObject(all) ? Object.keys(all) : []
      return items.some((item) => truth(body({ ...scope, [variable]: item })))
    }
  }

  #takes(token: string): boolean {
    if (this.#tokens[this.#at] !== token) return false
    this.#at++
    return true
  }

  #must(token: string): void {
    assert.ok(this.#takes(token), `expected ${token}, not ${this.#tokens[this.#at]}`)
  }

  #next(): string {
    return this.#tokens[this.#at++] ?? assert.fail('ends too early')
  }
}
