// What a page imports. When it is bundled, `first` becomes one of the modules first-NAME.mjs.
export { first } from 'first';
