<?php
// PHP's own parser, as `php -S` runs it: its answer as in t/conformance/multipart_verdicts.cpp.
function field($name, $value) {
    if (!is_array($value)) return bin2hex($name) . ',-,' . bin2hex($value) . ';';
    $said = '';
    foreach ($value as $key => $one) $said .= field("{$name}[$key]", $one);
    return $said;
}
$said = '';
foreach ($_POST as $name => $value) $said .= field((string) $name, $value);
foreach ($_FILES as $name => $file) {
    if (is_array($file['name'])) { $said .= bin2hex($name) . ',5b5d,;'; continue; }
    // A file that did not come to its end is none to an application that looks.
    if ($file['error'] === UPLOAD_ERR_PARTIAL) continue;
    // An input that nobody has filled in.
    $content = $file['error'] === UPLOAD_ERR_OK ? file_get_contents($file['tmp_name']) : '';
    $said .= bin2hex($name) . ',' . bin2hex($file['full_path'] ?? $file['name']) . ',' . bin2hex($content) . ';';
}
echo $said;
