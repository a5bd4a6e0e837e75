# Reads what `cuobjdump -sass` prints, and prints one line per kernel with tabs between:
#   ARCH INSTRUCTIONS LOADS_BEFORE_STORE LOCAL LOAD_BITS STORE_BITS PER_16_BYTES KERNEL
# LOADS_BEFORE_STORE  global loads in front of the first global store, as the assembler ordered them
# LOCAL               loads and stores of local memory, where spilled variables and indexed arrays live
# LOAD_BITS           the widest and the narrowest global load, such as 128-32; 0 for none
# PER_16_BYTES        instructions for 16 bytes of global memory, in the innermost loop that accesses any, or in
#                     the whole kernel without such a loop
function width(op) {
  if (op ~ /\.128/) return 128
  if (op ~ /\.64/) return 64
  if (op ~ /\.[US]?16/) return 16
  if (op ~ /\.[US]8/) return 8
  return 32
}
function finish(   i, j, first, last, best, span, bits, count, text_loads, text_stores) {
  if (name == "") return
  # The instructions whose work is counted: a loop, or everything in front of the final self-branch.
  first = 0; last = n - 1; best = n
  for (i = 0; i < n; ++i) {
    if (target[i] == "" || target[i] >= address[i]) continue
    j = at[target[i]]
    bits = 0
    for (k = j; k <= i; ++k) bits += access[k]
    span = i - j + 1
    if (bits > 0 && span < best) { best = span; first = j; last = i }
  }
  bits = 0
  count = 0
  for (k = first; k <= last; ++k) { bits += access[k]; count += op[k] != "NOP" }
  text_loads = loads ? widest_load (widest_load == narrowest_load ? "" : "-" narrowest_load) : 0
  text_stores = stores ? widest_store (widest_store == narrowest_store ? "" : "-" narrowest_store) : 0
  printf "%s\t%d\t%d\t%d\t%s\t%s\t%s\t%s\n", arch, n, before, memory, text_loads, text_stores,
    bits ? sprintf("%.1f", count * 128 / bits) : "-", name
  name = ""
}
function number(hex,   i, value) { # of 0x1a0; mawk has no strtonum
  value = 0
  hex = tolower(hex)
  sub(/^0x/, "", hex)
  for (i = 1; i <= length(hex); ++i) value = value * 16 + index("0123456789abcdef", substr(hex, i, 1)) - 1
  return value
}
/code for sm_/ { finish(); arch = $NF }
/Function :/ {
  finish()
  name = $NF
  n = 0; before = 0; memory = 0; loads = 0; stores = 0
  widest_load = 0; widest_store = 0; narrowest_load = 999; narrowest_store = 999
  delete at; delete target; delete access; delete op; delete address
}
/^[ \t]*\/\*[0-9a-f]+\*\/[ \t]/ && name != "" {
  line = $0
  match(line, /\/\*[0-9a-f]+\*\//)
  place = number(substr(line, RSTART + 2, RLENGTH - 4))
  line = substr(line, RSTART + RLENGTH)
  sub(/\/\*.*$/, "", line)
  gsub(/^[ \t]+/, "", line)
  sub(/^@!?U?P[0-9T]+[ \t]+/, "", line)
  split(line, words, /[ \t;]+/)
  op[n] = words[1]
  address[n] = place
  at[place] = n
  target[n] = ""
  access[n] = 0
  if (words[1] ~ /^LDG?(\.|$)/) {
    bits_now = width(words[1])
    access[n] = bits_now
    ++loads
    if (!stores) ++before
    if (bits_now > widest_load) widest_load = bits_now
    if (bits_now < narrowest_load) narrowest_load = bits_now
  } else if (words[1] ~ /^STG?(\.|$)/) {
    bits_now = width(words[1])
    access[n] = bits_now
    ++stores
    if (bits_now > widest_store) widest_store = bits_now
    if (bits_now < narrowest_store) narrowest_store = bits_now
  } else if (words[1] ~ /^(LDL|STL)/) {
    ++memory
  } else if (words[1] ~ /^BRA/ && match(line, /0x[0-9a-f]+/)) {
    target[n] = number(substr(line, RSTART, RLENGTH))
  }
  ++n
}
END { finish() }
