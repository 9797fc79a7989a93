// The daemon's HTTP client ignores HTTPS_PROXY and sends everything by HTTP_PROXY; and it matches NO_PROXY
// differently from everybody else. So the JVM gets values of its own, and the consumers get theirs back.
// No system properties: those would send calls for instance metadata to the proxy, and show passwords in argv.

/** The proxy variables in which the JVM's environment must differ; none where no proxy is set. `direct` are hosts that need no proxy. */
export function proxyEnvironment(
  environment: Readonly<Record<string, string | undefined>>,
  direct: readonly string[],
): Record<string, string> {
  const https = environment.HTTPS_PROXY || environment.https_proxy
  const http = https || environment.HTTP_PROXY || environment.http_proxy
  if (!http) return {}
  const exceptions = environment.NO_PROXY || environment.no_proxy || ''
  const patterns = [...exceptions.split(/[\s,|]+/), ...direct]
    .filter((host) => host !== '')
    .flatMap(asPatterns)
  const forDaemon: Record<string, string> = { HTTP_PROXY: http }
  if (patterns.length > 0) forDaemon.NO_PROXY = [...new Set(patterns)].join(',')
  return Object.fromEntries(Object.entries(forDaemon).filter(([name, value]) => value !== environment[name]))
}

// `.example.com` and `example.com` both mean the domain with everything below it.
function asPatterns(host: string): string[] {
  const name = host.replace(/:\d+$/, '')
  if (name.includes('*')) return [name]
  if (name.startsWith('.')) return [`*${name}`]
  return /^[\d.]+$/.test(name) || name.includes('/') ? [name] : [name, `*.${name}`]
}
