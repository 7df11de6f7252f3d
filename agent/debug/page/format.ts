// Figures for people: millicores, bytes in binary units, shares in per cent. A dash is "not read" or "no limit".

const UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB'] as const;

export function millis(value: number | null | undefined): string {
  return value === null || value === undefined ? '–' : `${value < 10 ? value.toFixed(1) : Math.round(value)} m`;
}

export function bytes(value: number | null | undefined): string {
  if (value === null || value === undefined) return '–';
  let [scaled, unit] = [value, 0];
  while (scaled >= 1024 && unit < UNITS.length - 1) {
    scaled /= 1024;
    unit++;
  }
  return `${scaled >= 100 || unit === 0 ? Math.round(scaled) : scaled.toFixed(1)} ${UNITS[unit]}`;
}

export function share(value: number | null | undefined): string {
  if (value === null || value === undefined) return '–';
  const percent = value * 100;
  return `${percent >= 10 || percent === 0 ? Math.round(percent) : percent.toFixed(1)} %`;
}
