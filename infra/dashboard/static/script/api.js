// The JSON API (docs/dashboard.md), relative to the page's own address, which holds the token.

const PATIENCE_MS = 15000;

/** A resource's document; throws when this machine's server doesn't answer. */
export async function get(resource, parameters = {}) {
  const query = new URLSearchParams(parameters);
  const response = await fetch(`api/${resource}?${query}`, { signal: AbortSignal.timeout(PATIENCE_MS) });
  if (!response.ok) throw new Error(`${response.status}: ${(await response.text()).trim()}`);
  return response.json();
}
