import type { Agent as NodeAgent } from 'node:http'
import { Agent as HttpsAgent } from 'node:https'
import { Agent } from '#shared/builtins.ts'

/** Connections to the collector that can be cut: the exporter itself offers no way to abort. */
export function collectorConnections() {
  let closed = false
  const agents: NodeAgent[] = []
  return {
    // The exporter asks at its first batch, which may be after the stop.
    agentFor(protocol: string) {
      const options = { keepAlive: true, maxSockets: 4 }
      const agent = protocol === 'https:' ? new HttpsAgent(options) : new Agent(options)
      if (closed) refuse(agent)
      agents.push(agent)
      return agent
    },
    close() {
      closed = true
      for (const agent of agents) refuse(agent)
    },
  }
}

/** The exporter retries a cut or refused connection for seconds; this error it does not retry. */
function refuse(agent: NodeAgent): void {
  agent.createConnection = () => {
    throw new Error('Cannot send: the export has stopped')
  }
  agent.destroy()
}
