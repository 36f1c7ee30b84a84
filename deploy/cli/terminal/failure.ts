/** What the process ends with; scripts rely on the numbers. */
export const exits = {
  /** Done, and nothing to complain of. */
  ok: 0,
  /** Done, and something was found: a problem, a difference, a refusal, a wait in vain. */
  found: 1,
  /** The command was not understood, or a file cannot be read. */
  usage: 2,
  /** The cluster does not answer, or refuses whoever asks. */
  unreachable: 3,
} as const

export type Exit = (typeof exits)[keyof typeof exits]

/** Ends a command. The message is a sentence; `remedy` says what to do. */
export class CommandFailure extends Error {
  readonly exit: Exit
  readonly remedy: string

  constructor(message: string, { exit, remedy }: { exit: Exit; remedy: string }) {
    super(message)
    this.name = 'CommandFailure'
    this.exit = exit
    this.remedy = remedy
  }
}

/** The command line itself is wrong. */
export function misuse(message: string, remedy: string): CommandFailure {
  return new CommandFailure(message, { exit: exits.usage, remedy })
}
