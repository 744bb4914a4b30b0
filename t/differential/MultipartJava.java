// Commons FileUpload, which Tomcat, Spring and Struts have or had; lines as in t/conformance/multipart_verdicts.cpp.
import java.io.*;
import java.nio.charset.StandardCharsets;
import org.apache.commons.fileupload.*;
import org.apache.commons.fileupload.disk.DiskFileItemFactory;

public class MultipartJava {
    static byte[] bytes(String digits) {
        byte[] out = new byte[digits.length() / 2];
        for (int i = 0; i < out.length; ++i) out[i] = (byte) Integer.parseInt(digits.substring(2 * i, 2 * i + 2), 16);
        return out;
    }

    static String hex(byte[] bytes) {
        StringBuilder out = new StringBuilder();
        for (byte one : bytes) out.append(String.format("%02x", one));
        return out.toString();
    }

    static String hex(String text) { return text == null ? "" : hex(text.getBytes(StandardCharsets.UTF_8)); }

    static String answer(String type, byte[] body) {
        FileUpload upload = new FileUpload(new DiskFileItemFactory(1 << 20, null));
        upload.setHeaderEncoding("UTF-8");
        RequestContext request = new RequestContext() {
            public String getCharacterEncoding() { return "UTF-8"; }
            public String getContentType() { return type; }
            public int getContentLength() { return body.length; }
            public InputStream getInputStream() { return new ByteArrayInputStream(body); }
        };
        StringBuilder said = new StringBuilder();
        try {
            for (FileItem item : upload.parseRequest(request)) {
                said.append(hex(item.getFieldName())).append(',');
                said.append(item.isFormField() ? "-" : hex(item.getName())).append(',').append(hex(item.get())).append(';');
            }
        } catch (Exception error) {
            return "fault";
        }
        return said.toString();
    }

    public static void main(String[] words) throws IOException {
        BufferedReader in = new BufferedReader(new InputStreamReader(System.in));
        for (String line; (line = in.readLine()) != null; System.out.flush()) {
            String[] two = line.split(" ", -1);
            System.out.println(answer(new String(bytes(two[0]), StandardCharsets.ISO_8859_1), bytes(two[1])));
        }
    }
}
