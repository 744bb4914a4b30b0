# Our objects are C++20 and keep their symbols to themselves; the rest of nginx's build is untouched.
# -MMD: an object is made anew when a header that it includes has changed, and only then.
for guard_dir in $(awk '$1 == "logic" || $1 == "nginx" || $1 == "test" { print $2 }' \
    "$ngx_addon_dir/src/sources" | xargs -n1 dirname | sort -u | xargs -n1 basename); do
    cat << END                                                    >> $NGX_MAKEFILE

$NGX_OBJS/addon/$guard_dir/%.o: CFLAGS += -std=c++20 -O2 -fvisibility=hidden -Wextra -MMD -MP $GUARD_CXXFLAGS
-include \$(wildcard $NGX_OBJS/addon/$guard_dir/*.d)
END
done
