/**
 * Two of Node's modules past their faces as ES modules. Making a face reads every export, and some
 * are getters that load what nobody asked for: `WebSocket` of node:http a whole undici, several of
 * node:crypto their algorithms. An import of the two costs 75 ms CPU, this 5 ms (measured, Node 26.10),
 * and each pod pays for it.
 */
export const { Agent, createServer } = process.getBuiltinModule('node:http')
export const { createCipheriv, createHash, createHmac, hash, randomFillSync, timingSafeEqual } =
  process.getBuiltinModule('node:crypto')
