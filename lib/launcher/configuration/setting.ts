// One value of the configuration and where it came from.

/** Where a value came from, strongest first. */
export type Source = 'flag' | 'environment' | 'file' | 'default'

/** A key and value as somebody wrote them. */
export interface Written {
  readonly key: string
  readonly value: string
  readonly source: Source
  /** How to name the place to a person: `--stream-name`, `KCL_STREAM_NAME`, `app.properties line 3`. */
  readonly place: string
  /** For the file: the value before its backslashes were taken away. */
  readonly raw?: string
}

/** One property as the daemon will get it. */
export interface Setting extends Written {
  /** The key as the catalogue has it. */
  readonly key: string
  /** The key as it was written, where that differs. */
  readonly writtenKey: string
  /** The weaker places whose values it replaces. */
  readonly replaces: readonly string[]
}
