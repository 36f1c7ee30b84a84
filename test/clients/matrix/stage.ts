import { type Pair, startPair } from '../../pair/harness.ts'
import { ClientsProvider } from '../provider/provider.ts'
import type { Stage } from './feature.ts'

const attempts = 2

/** No tenant's. */
const forbidden = { targets: [{ provider: 'pool', model: 'large' }] }

/** Both halves before a provider of each family. */
export class Stages {
  readonly openai: Stage
  readonly anthropic: Stage
  readonly #pairs: readonly Pair[]

  private constructor(openai: Pair, anthropic: Pair, provider: ClientsProvider) {
    this.openai = { port: openai.port, provider, attempts }
    this.anthropic = { port: anthropic.port, provider, attempts }
    this.#pairs = [openai, anthropic]
  }

  static async start(): Promise<Stages> {
    const provider = await new ClientsProvider().listen()
    const base = `http://127.0.0.1:${provider.port}`
    try {
      const openai = await pairOf(provider.port, { kind: 'openai', baseUrl: `${base}/v1` })
      const anthropic = await pairOf(provider.port, { kind: 'anthropic', baseUrl: base })
      return new Stages(openai, anthropic, provider)
    } catch (error) {
      await provider.close()
      throw error
    }
  }

  of(dialect: string): Stage {
    return dialect === 'Messages' ? this.anthropic : this.openai
  }

  async close(): Promise<void> {
    await Promise.all(this.#pairs.map((pair) => pair.close()))
    await this.openai.provider.close()
  }
}

function pairOf(provider: number, place: object): Promise<Pair> {
  return startPair({
    provider,
    models: { forbidden },
    tenants: { local: { models: ['assistant'] } },
    pool: {
      ...place,
      replicas: undefined,
      credentials: [{ name: 'main', secret: 'CLIENTS_KEY' }],
      retry: { attempts, base: '1ms' },
    },
    environment: { CLIENTS_KEY: 'sk-of-the-provider' },
  })
}
