# Our objects are C++20 and keep their symbols to themselves; the rest of nginx's build is untouched.
# -MMD: an object is made anew when a header that it includes has changed, and only then.
for guard_dir in $(awk '$1 == "logic" || $1 == "nginx" || $1 == "test" { print $2 }' \
    "$ngx_addon_dir/src/sources" | xargs -n1 dirname | sort -u | xargs -n1 basename); do
    cat << END                                                    >> $NGX_MAKEFILE

$NGX_OBJS/addon/$guard_dir/%.o: CFLAGS += -std=c++20 -O2 -fvisibility=hidden -Wextra -MMD -MP $GUARD_CXXFLAGS
-include \$(wildcard $NGX_OBJS/addon/$guard_dir/*.d)
END
done

# The page of guard_dashboard, with uPlot if scripts/build has got it.
guard_modules_of_page=$ngx_addon_dir/build/dashboard/node_modules
cat << END                                                        >> $NGX_MAKEFILE

$NGX_OBJS/addon/dashboard/dashboard_module.o: $NGX_OBJS/guard_dashboard_files.h
$NGX_OBJS/guard_dashboard_files.h: $ngx_addon_dir/scripts/embed $ngx_addon_dir/src/dashboard/page.html \\
	$ngx_addon_dir/src/dashboard/page.css $ngx_addon_dir/src/dashboard/page.js \\
	\$(wildcard $ngx_addon_dir/build/dashboard/installed.json)
	$ngx_addon_dir/scripts/embed \$@ $guard_modules_of_page
END
