// Where the services are: each region's endpoints, what is on this machine, and the way there through a proxy.

/** The endpoint of a service in a region; China and the closed partitions have domains of their own. */
export function endpointIn(
  service: string,
  region: string,
  environment: Readonly<Record<string, string | undefined>> = {},
): string {
  const [, domain] = DOMAINS.find(([prefix]) => region.startsWith(prefix)) ?? ['', 'amazonaws.com']
  const fips = environment.AWS_USE_FIPS_ENDPOINT === 'true' ? '-fips' : ''
  return `https://${service}${fips}.${region}.${domain}`
}

/** Whether an endpoint is on this machine. */
export function isLoopback(endpoint: string | undefined): boolean {
  if (endpoint === undefined || !URL.canParse(endpoint)) return false
  const { hostname } = new URL(endpoint)
  return (
    hostname === 'localhost' ||
    hostname.endsWith('.localhost') ||
    hostname === '[::1]' ||
    /^127\.\d+\.\d+\.\d+$/.test(hostname)
  )
}

/** Whether an endpoint is no service of AWS: on this machine, without encryption, or a name of a compose file. */
export function isEmulator(endpoint: string | undefined): boolean {
  if (endpoint === undefined || !URL.canParse(endpoint)) return false
  const { hostname, protocol } = new URL(endpoint)
  if (/\.(amazonaws\.com(\.cn)?|api\.aws|amazonaws\.eu)$/.test(hostname)) return false
  return isLoopback(endpoint) || protocol === 'http:' || !hostname.includes('.')
}

/** The proxy for an address, from the variables that every tool reads; undefined where it is reached directly. */
export function proxyFor(
  url: URL,
  environment: Readonly<Record<string, string | undefined>>,
): string | undefined {
  const of = (name: string): string | undefined => environment[name] || environment[name.toLowerCase()]
  const proxy = (url.protocol === 'https:' && of('HTTPS_PROXY')) || of('HTTP_PROXY')
  if (!proxy || isLoopback(url.href)) return undefined
  const exceptions = (of('NO_PROXY') ?? '').split(/[\s,|]+/).filter((host) => host !== '')
  if (exceptions.some((host) => excepts(host, url))) return undefined
  return proxy.includes('://') ? proxy : `http://${proxy}`
}

// `example.com`, `.example.com` and `*.example.com` mean the domain with everything below it.
function excepts(exception: string, url: URL): boolean {
  if (exception === '*') return true
  const [, name = '', port] = /^\*?\.?(.*?)(?::(\d+))?$/.exec(exception) ?? []
  if (port !== undefined && port !== (url.port || (url.protocol === 'https:' ? '443' : '80'))) return false
  return url.hostname === name || url.hostname.endsWith(`.${name}`)
}

const DOMAINS: readonly (readonly [prefix: string, domain: string])[] = [
  ['cn-', 'amazonaws.com.cn'],
  ['us-isob-', 'sc2s.sgov.gov'],
  ['us-isof-', 'csp.hci.ic.gov'],
  ['us-iso-', 'c2s.ic.gov'],
  ['eu-isoe-', 'cloud.adc-e.uk'],
  ['eusc-', 'amazonaws.eu'],
]
