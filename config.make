# Our objects are C++20; the rest of nginx's build is untouched. They keep their symbols to themselves, but for core and ngx:
# those are for ngx_http_guard_inspect_module.so, too, as far as src/exports.map has them.
# -MMD: an object is made anew when a header that it includes has changed, and only then.
for guard_dir in $(awk '!/^#/ && $1 !~ /cli$/ { print $2 }' "$ngx_addon_dir/src/sources" | xargs -n1 dirname | sort -u |
    xargs -n1 basename); do
    case $guard_dir in
        core | ngx) guard_visibility="-fno-semantic-interposition -fno-gnu-unique" ;;
        *) guard_visibility=-fvisibility=hidden ;;
    esac
    cat << END                                                    >> $NGX_MAKEFILE

$NGX_OBJS/addon/$guard_dir/%.o: CFLAGS += -std=c++20 -O2 $guard_visibility -Wextra -MMD -MP $GUARD_CXXFLAGS
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

# The version of what core exports: the product's, and a hash of all that the second file could have compiled in.
cat << END                                                        >> $NGX_MAKEFILE

GUARD_HEADERS = \$(wildcard $ngx_addon_dir/src/core/*.h $ngx_addon_dir/src/ngx/*.h $ngx_addon_dir/src/redis/*.h)
$NGX_OBJS/guard_exports.map: $ngx_addon_dir/src/exports.map \$(GUARD_HEADERS)
	version=\$\$(sed -n 's/.*kVersion = "\\(.*\\)".*/\\1/p' $ngx_addon_dir/src/core/version.h) && \\
	    hash=\$\$(cat \$(GUARD_HEADERS) | sha256sum | cut -c 1-12) && \\
	    sed "s/@BUILD@/\$\${version}_\$\$hash/" $ngx_addon_dir/src/exports.map > \$@

$NGX_OBJS/ngx_http_guard_module.so $NGX_OBJS/ngx_http_guard_test_module.so: $NGX_OBJS/guard_exports.map
$NGX_OBJS/ngx_http_guard_inspect_module.so: $NGX_OBJS/ngx_http_guard_module.so $ngx_addon_dir/src/inspect_exports.map
END
