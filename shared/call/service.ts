/**
 * An asynchronous function of one request: the only shape both processes are built from. It may also
 * throw at once: a layer that has nothing to wait for is no async function, which would cost each
 * call a promise and a turn of the queue.
 */
export type Service<Req, Res, Context> = (request: Req, context: Context) => Promise<Res>

/** Gives a service another behaviour around it. */
export type Layer<Req, Res, Context> = (
  inner: Service<Req, Res, Context>,
) => Service<Req, Res, Context>

/** Composes `layers` around `terminal`, outermost first: a request reads down the list. */
export function stack<Req, Res, Context>(
  layers: readonly Layer<Req, Res, Context>[],
  terminal: Service<Req, Res, Context>,
): Service<Req, Res, Context> {
  return layers.reduceRight((inner, layer) => layer(inner), terminal)
}
