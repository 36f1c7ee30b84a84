import { type Layer, type Service, stack } from '#shared/call/service.ts'
import { rescue } from '#shared/errors/rescue.ts'
import { bytesBody } from '#shared/http/body.ts'
import type { CallRequest, CallResponse } from '#shared/http/call.ts'
import { type HeaderList, header } from '#shared/http/headers.ts'
import type { Log } from '#shared/telemetry/access-log.ts'
import type { AmbassadorCall } from '../call.ts'
import { type AuthenticateParts, authenticate } from '../identity/authenticate.ts'
import type { Fleet } from './fleet.ts'

/** What an idle sidecar posts, so that its pod is known to be there. */
export const heartbeatPath = '/v1/outrigger/heartbeat'

/** Notes which configuration the caller runs, where its pod is proven. Ends at once. */
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
    return inner(request, context)
  }
}

/** The way of a heartbeat: who it is, and nothing else. Errors: those of `authenticate`. */
export function heartbeats(
  parts: AuthenticateParts & { readonly fleet: Fleet; readonly log: () => Log },
): Service<CallRequest, CallResponse, AmbassadorCall> {
  return stack(
    [
      rescue({ headersOf: () => [], log: parts.log }),
      authenticate(parts),
      acknowledge(parts.fleet),
    ],
    async () => ({ status: 204, headers: [], body: bytesBody(Buffer.alloc(0)) }),
  )
}

/** Of an untrusted header: what has not the form is not repeated to anybody. */
function worded(headers: HeaderList, name: string, form: RegExp): string {
  const value = header(headers, name) ?? ''
  return form.test(value) ? value : ''
}
