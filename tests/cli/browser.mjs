// The browser of a test: takes the user of the environment from an authorization request to the redirect URI.
import { Browser } from '../workerd/people.mjs';
import { visit } from '../workerd/visit.mjs';

const { TEST_ISSUER: url, TEST_USERNAME: username, TEST_PASSWORD: password } = process.env;
const { answer } = await visit(new Browser({ url, issuer: url }), { username, password }, process.argv[2]);
await fetch(answer);
