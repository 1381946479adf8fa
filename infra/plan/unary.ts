import { type handleUnaryCall, status } from '@grpc/grpc-js'

/** A call that is answered at once; what `answer` throws is the caller's error, with its message. */
export function unary<Request, Response>(answer: (request: Request) => Response): handleUnaryCall<Request, Response> {
  return ({ request }, done) => {
    try {
      done(null, answer(request))
    } catch (error) {
      done({ code: status.UNKNOWN, details: error instanceof Error ? error.message : String(error) })
    }
  }
}

/** A call that the engine of a plan has no use for. */
export function unsupported<Request, Response>(what: string): handleUnaryCall<Request, Response> {
  return (_, done) => done({ code: status.UNIMPLEMENTED, details: `a plan without an engine does not support ${what}` })
}
