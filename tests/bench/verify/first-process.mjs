// Prints the milliseconds from importing this module, named first, to its first verified token.
const [name, job] = process.argv.slice(2);
const started = performance.now();
const { first } = await import(`./first-${name}.mjs`);
await first(JSON.parse(job));
console.log(performance.now() - started);
