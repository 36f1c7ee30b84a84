import { createSocket } from 'node:dgram'
import type { TestContext } from 'node:test'

interface Service {
  readonly host: string
  readonly port: number
  readonly priority: number
}

const typeA = 1
const typeSrv = 33

/** A name server on loopback (RFC 1035) that knows A and SRV records; other names do not exist. */
export async function startNames(context: TestContext) {
  const four = new Map<string, readonly string[]>()
  const services = new Map<string, readonly Service[]>()
  const socket = createSocket('udp4')
  socket.on('message', (question, { port, address }) => {
    const { name, type, end } = questionIn(question)
    const data =
      type === typeA
        ? (four.get(name) ?? []).map((each) => Buffer.from(each.split('.').map(Number)))
        : type === typeSrv
          ? (services.get(name) ?? []).map(serviceData)
          : []
    const isKnown = four.has(name) || services.has(name)
    const head = Buffer.from(question.subarray(0, 12))
    head.writeUInt16BE(isKnown ? 0x8180 : 0x8183, 2)
    head.writeUInt16BE(data.length, 6)
    head.writeUInt32BE(0, 8)
    const answers = data.map((each) => Buffer.concat([answerHead(type, each.length), each]))
    socket.send(Buffer.concat([head, question.subarray(12, end), ...answers]), port, address)
  })
  await new Promise<void>((resolve) => socket.bind(0, '127.0.0.1', resolve))
  context.after(() => socket.close())
  return { four, services, address: `127.0.0.1:${socket.address().port}` }
}

function questionIn(message: Buffer): { name: string; type: number; end: number } {
  const labels: string[] = []
  let at = 12
  for (let length = message[at] ?? 0; length > 0; length = message[at] ?? 0) {
    labels.push(message.toString('latin1', at + 1, at + 1 + length))
    at += 1 + length
  }
  return { name: labels.join('.').toLowerCase(), type: message.readUInt16BE(at + 1), end: at + 5 }
}

/** For the name of the question, class IN, 30 s to live. */
function answerHead(type: number, length: number): Buffer {
  const head = Buffer.from([0xc0, 0x0c, 0, type, 0, 1, 0, 0, 0, 30, 0, 0])
  head.writeUInt16BE(length, 10)
  return head
}

function serviceData({ host, port, priority }: Service): Buffer {
  const fields = Buffer.alloc(6)
  fields.writeUInt16BE(priority, 0)
  fields.writeUInt16BE(port, 4)
  const labels = host
    .split('.')
    .map((label) => Buffer.from(`${String.fromCharCode(label.length)}${label}`, 'latin1'))
  return Buffer.concat([fields, ...labels, Buffer.from([0])])
}
