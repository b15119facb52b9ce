// Verifies nothing: the time of the runtime itself.
export async function first() {}
