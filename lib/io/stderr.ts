// Writing to stderr. That nobody reads it any more is no reason for a consumer to die.

/** Writes as `process.stderr.write` does, except that a broken pipe is no uncaught error. */
export function toStderr(
  chunk: string | Uint8Array,
  encoding?: BufferEncoding,
  done?: (error?: Error | null) => void,
): boolean {
  const { stderr } = process
  return stderr.write(chunk, encoding ?? 'utf8', (error) => {
    // The stream reports to the callback first and emits its error after that.
    if (error && stderr.listenerCount('error') === 0) stderr.once('error', () => {})
    done?.(error)
  })
}

/** A notice for the operator: one line, whatever becomes of it. */
export function notice(text: string): void {
  try {
    toStderr(`${text}\n`)
  } catch {
    // A full disk behind a redirected stderr throws on the spot.
  }
}
