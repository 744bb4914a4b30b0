# Which sources scripts/lint shows to clang-tidy as one text. Most of its time goes to the headers, which the sources of
# a group share: each is parsed and matched once for all of them.
#   awk -f scripts/lint.d/group.awk -v lines=3000 LIST
# LIST has a line "FLAGS SOURCE VERDICT" for each source; a line "FLAGS SOURCE VERDICT [SOURCE VERDICT]..." is printed for
# each group. What FLAGS names is the same in a group, its sources have `lines` lines at most, and no name of an unnamed
# namespace, or of a static function, twice.

# The name that a line in the first column declares.
function declared(line, words, count) {
    if (line !~ /^[A-Za-z_]/ || line ~ /^(template|extern|namespace)/) return ""
    if (line ~ /^(struct|class|enum class|enum|union|using) /) {
        sub(/^(struct|class|enum class|enum|union|using) +/, "", line)
        sub(/[^A-Za-z_0-9].*/, "", line)
        return line
    }
    sub(/[(={;\[].*/, "", line)
    count = split(line, words, /[^A-Za-z_0-9]+/)
    while (count > 0 && words[count] == "") --count
    return count > 0 ? words[count] : ""
}

# Fills `names` with the names that `source` keeps to itself, and returns how many lines it has.
function read_source(source, line, room, unnamed, name, count) {
    delete names
    while ((getline line < source) > 0) {
        ++count
        if (line ~ /^namespace {/) unnamed = 1
        else if (line ~ /^} *\/\/ namespace/) unnamed = 0
        else if (line ~ /^namespace /) room = line
        if (!unnamed && line !~ /^(static|constexpr|const) /) continue
        name = declared(line)
        if (name != "") names[room name] = 1
    }
    close(source)
    return count
}

function fits(group, flags, size, name) {
    if (group_flags[group] != flags || group_size[group] + size > lines) return 0
    for (name in names) {
        if ((group, name) in taken) return 0
    }
    return 1
}

{
    size = read_source($2)
    for (group = 1; group <= groups; ++group) {
        if (fits(group, $1, size)) break
    }
    if (group > groups) {
        groups = group
        group_flags[group] = $1
        group_members[group] = ""
    }
    group_size[group] += size
    for (name in names) taken[group, name] = 1
    group_members[group] = group_members[group] " " $2 " " $3
}

END {
    for (group = 1; group <= groups; ++group) print group_flags[group] group_members[group]
}
