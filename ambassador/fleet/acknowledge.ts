import type { Layer } from '#shared/call/service.ts'
import { bytesBody } from '#shared/http/body.ts'
import type { CallRequest, CallResponse } from '#shared/http/call.ts'
import { type HeaderList, header } from '#shared/http/headers.ts'
import type { AmbassadorCall } from '../call.ts'
import type { Fleet } from './fleet.ts'

/** What an idle sidecar posts, so that its pod is known to be there. */
export const heartbeatPath = '/v1/outrigger/heartbeat'

/**
 * Notes which configuration the caller runs, and answers heartbeats, which want nothing else. A
 * caller without a proven pod is not noted. Ends at once.
 */
export function acknowledge(fleet: Fleet): Layer<CallRequest, CallResponse, AmbassadorCall> {
  return (inner) => (request, context) => {
    const { pod, workload } = context
    if (pod !== undefined) {
      const namespace = workload.split('/', 1)[0] ?? ''
      fleet.note({
        pod: `${namespace}/${pod.name}`,
        uid: pod.uid,
        config: worded(request.headers, 'x-outrigger-config', /^[0-9a-f]{8}$/),
        version: worded(request.headers, 'x-outrigger-version', /^[0-9A-Za-z.+-]{1,32}$/),
      })
    }
    if (request.path !== heartbeatPath || request.method !== 'POST') return inner(request, context)
    return Promise.resolve({ status: 204, headers: [], body: bytesBody(Buffer.alloc(0)) })
  }
}

/** Of an untrusted header: what has not the form is not repeated to anybody. */
function worded(headers: HeaderList, name: string, form: RegExp): string {
  const value = header(headers, name) ?? ''
  return form.test(value) ? value : ''
}
