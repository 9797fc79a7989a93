// What of node:sqlite the sample uses: the types of Node 20 do not know it.
declare module 'node:sqlite' {
  class DatabaseSync {
    constructor(file: string)
    exec(statement: string): void
    prepare(statement: string): {
      run(...values: (string | number)[]): unknown
      get(...values: (string | number)[]): unknown
      all(...values: (string | number)[]): unknown[]
    }
    close(): void
  }
}
