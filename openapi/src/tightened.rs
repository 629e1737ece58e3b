//! Shorter ways to what the generator writes for every operation and has no
//! settings for: a map of headers with nothing in it but the document's version,
//! which Figma does not know, and a pass over the URL for each query parameter,
//! given or not. What does not look as expected stays as it was written.

use std::mem;

use syn::{Expr, ExprMethodCall, File, ImplItem, Item, Pat, Stmt, parse_quote};

/// Rewrites how requests are built; what is sent differs in that one header.
pub(crate) fn tightened(mut file: File) -> File {
    for item in &mut file.items {
        let Item::Impl(block) = item else { continue };
        for item in &mut block.items {
            if let ImplItem::Fn(method) = item {
                tighten(&mut method.block.stmts);
            }
        }
    }
    file
}

fn tighten(statements: &mut Vec<Stmt>) {
    // One makes the map, one puts the version in.
    let version_only = statements.iter().filter(|it| is_about_headers(it)).count() == 2;
    let Some(build) = statements.iter_mut().find_map(build) else { return };
    let mut pairs = Vec::new();
    shorten(&mut build.receiver, version_only, &mut pairs);
    if !pairs.is_empty() {
        let chain = &build.receiver;
        build.receiver = parse_quote!(#chain.query(&[#(#pairs),*]));
    }
    if version_only {
        statements.retain(|statement| !is_about_headers(statement));
    }
}

/// `let mut header_map = …` or `header_map.append(…)`.
fn is_about_headers(statement: &Stmt) -> bool {
    match statement {
        Stmt::Local(local) => matches!(&local.pat, Pat::Ident(it) if it.ident == "header_map"),
        Stmt::Expr(Expr::MethodCall(call), _) => {
            matches!(&*call.receiver, Expr::Path(it) if it.path.is_ident("header_map"))
        }
        _ => false,
    }
}

/// The last link of `let mut request = self.client.get(url). … .build()?`.
fn build(statement: &mut Stmt) -> Option<&mut ExprMethodCall> {
    let Stmt::Local(local) = statement else { return None };
    let Expr::Try(tried) = &mut *local.init.as_mut()?.expr else { return None };
    let Expr::MethodCall(call) = &mut *tried.expr else { return None };
    (call.method == "build").then_some(call)
}

/// Takes `.headers(header_map)` out of a chain, and every `.query(…)`, of which
/// name and value go to `pairs`.
fn shorten(chain: &mut Expr, without_headers: bool, pairs: &mut Vec<Expr>) {
    let Expr::MethodCall(link) = chain else { return };
    shorten(&mut link.receiver, without_headers, pairs);
    let pair = pair(link);
    if pair.is_some() || (without_headers && link.method == "headers") {
        pairs.extend(pair);
        *chain = mem::replace(&mut link.receiver, Expr::PLACEHOLDER);
    }
}

/// Of `.query(&progenitor_client::QueryParam::new("name", &value))`: name and value.
fn pair(link: &ExprMethodCall) -> Option<Expr> {
    let Some(Expr::Reference(param)) = link.args.first() else { return None };
    let Expr::Call(new) = &*param.expr else { return None };
    let mut arguments = new.args.iter();
    let (name, Expr::Reference(value)) = (arguments.next()?, arguments.next()?) else {
        return None;
    };
    let value = &value.expr;
    (link.method == "query").then(|| parse_quote!((#name, #value)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tightened(body: Vec<Stmt>) -> String {
        let file = parse_quote!(impl Client { fn get(&self) { #(#body)* } });
        prettyplease::unparse(&super::tightened(file))
    }

    #[test]
    fn a_map_with_the_version_alone_goes_and_queries_become_one() {
        let text = tightened(parse_quote! {
            let mut header_map = HeaderMap::with_capacity(1usize);
            header_map.append(HeaderName::from_static("api-version"), version);
            let mut request = self.client.get(url)
                .header(ACCEPT, json)
                .query(&progenitor_client::QueryParam::new("a", &a))
                .query(&progenitor_client::QueryParam::new("b", &b))
                .headers(header_map)
                .build()?;
        });
        let text = text.split_whitespace().collect::<String>();
        let chain = r#"{letmutrequest=self.client.get(url).header(ACCEPT,json).query(&[("a",a),("b",b)]).build()?;}"#;
        assert!(text.contains(chain), "{text}");
    }

    #[test]
    fn what_looks_otherwise_stays() {
        let body: Vec<Stmt> = parse_quote! {
            let mut header_map = HeaderMap::with_capacity(2usize);
            header_map.append(HeaderName::from_static("api-version"), version);
            header_map.append("if-match", etag);
            let request = self.client.get(url).query(&all).headers(header_map).build()?;
        };
        let file: File = parse_quote!(impl Client { fn get(&self) { #(#body)* } });
        assert_eq!(tightened(body), prettyplease::unparse(&file));
    }
}
