// Runes everywhere; accessibility warnings fail `npm run check`.
export default { compilerOptions: { runes: true } };
