// The types of `edgemint/admin`.
import { AdminClient, AdminError, type AuditEvent, type Client, type GrantPage, type Revocation } from 'edgemint/admin';

const issuer = 'https://auth.example';
const admin = new AdminClient({ issuer, client: { id: 'op', secret: 's' } });
new AdminClient({ issuer, token: 'x', timeout: 5, retries: 0, now: () => 0 });
new AdminClient({ issuer, token: async ({ renew }) => (renew ? undefined : 'x') });

export async function use(): Promise<void> {
  const { client_secret } = await admin.createClient({ client_name: 'App', redirect_uris: ['https://app.example/cb'], grant_types: ['authorization_code'] });
  const secret: string | undefined = client_secret;
  for await (const client of admin.listClients()) {
    const one: Client = client;
    const enabled: boolean = one.enabled;
    void enabled;
  }
  const page: GrantPage = await admin.listClientGrants('a', { cursor: 'c' }).page();
  const events: AuditEvent[] = (await admin.listEvents({ event: 'sign_in', limit: 5 }, {}).page()).events;
  const revocation: Revocation = await admin.startRevocation({ client: 'a', before: 0 });
  const nothing: undefined = await admin.removeUser('u');
  await admin.replaceUser('u', { username: 'ada', scope: null, groups: null, upstream: null });
  const key = await admin.readKey('k');
  if (typeof key !== 'string') key.kid?.length;
  const raw = await admin.request('GET', '/admin/clients', { query: { cursor: 'c' } });
  void [secret, page, events, revocation, nothing, raw];
}

export const code = (error: unknown): string | undefined => (error instanceof AdminError ? error.code : undefined);

// @ts-expect-error neither a token nor a client
new AdminClient({ issuer });
// @ts-expect-error both
new AdminClient({ issuer, token: 'x', client: { id: 'op', secret: 's' } });
// @ts-expect-error an unknown grant type
admin.createClient({ grant_types: ['implicit'] });
// @ts-expect-error no such condition
admin.startRevocation({ after: 5 });
// @ts-expect-error no body
admin.createUser();
// @ts-expect-error a text, not a number
admin.readUser(5);
// @ts-expect-error an unknown kind of event
admin.listEvents({ event: 'other' });
