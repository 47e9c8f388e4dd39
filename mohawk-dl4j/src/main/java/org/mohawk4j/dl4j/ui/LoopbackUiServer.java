package org.mohawk4j.dl4j.ui;

import io.vertx.core.Context;
import io.vertx.core.Handler;
import io.vertx.core.Vertx;
import io.vertx.core.http.HttpServer;
import java.lang.reflect.InvocationHandler;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.lang.reflect.Proxy;
import org.deeplearning4j.ui.VertxUIServer;

/** DL4J's UI server, on the loopback address. DL4J's own listens on every address of the machine, and cannot be told. */
final class LoopbackUiServer extends VertxUIServer {
    static final String HOST = "127.0.0.1";

    @Override
    public void init(Vertx vertx, Context context) {
        super.init(
                wrap(
                        vertx,
                        (proxy, method, arguments) -> method.getName().equals("createHttpServer")
                                ? onLoopback((HttpServer) call(vertx, method, arguments))
                                : call(vertx, method, arguments)),
                context);
    }

    private static HttpServer onLoopback(HttpServer server) {
        return wrap(server, (proxy, method, arguments) -> {
            boolean listens =
                    method.getName().equals("listen") && arguments.length == 2 && arguments[0] instanceof Integer;
            Object result = listens
                    ? HttpServer.class
                            .getMethod("listen", int.class, String.class, Handler.class)
                            .invoke(server, arguments[0], HOST, arguments[1])
                    : call(server, method, arguments);
            return result == server ? proxy : result;
        });
    }

    @SuppressWarnings("unchecked") // a proxy of all interfaces of T
    private static <T> T wrap(T target, InvocationHandler handler) {
        return (T) Proxy.newProxyInstance(
                LoopbackUiServer.class.getClassLoader(), target.getClass().getInterfaces(), handler);
    }

    private static Object call(Object target, Method method, Object[] arguments) throws Throwable {
        try {
            return method.invoke(target, arguments);
        } catch (InvocationTargetException e) {
            throw e.getTargetException();
        }
    }
}
