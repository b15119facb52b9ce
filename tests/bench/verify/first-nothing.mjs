// Verifies nothing: what the runtime itself takes.
export async function first() {}
